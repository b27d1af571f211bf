# SPDX-License-Identifier: Apache-2.0
# Included by layers.cmake once it has counted: prints the rooms as a table and writes <graph>.dot and
# <graph>.svg, in which every room is a node and every arrow bears the number of its includes.

# pad(<result> <text> <width>): to the left for words, to the right for numbers.
function(pad result text width)
  string(LENGTH "${text}" size)
  math(EXPR blanks "${width} - ${size}")
  string(REPEAT " " ${blanks} blanks)
  if(text MATCHES "^[0-9.]+$")
    set(${result} "${blanks}${text}" PARENT_SCOPE)
  else()
    set(${result} "${text}${blanks}" PARENT_SCOPE)
  endif()
endfunction()

function(row)
  set(line "")
  foreach(width 22 6 7 8 10)
    list(POP_FRONT ARGN cell)
    pad(cell "${cell}" ${width})
    string(APPEND line "${cell} ")
  endforeach()
  message("| ${line}| ${ARGN}")
endfunction()

row(room " files" "  lines" " share %" " arrows up" "biggest file (lines)")
set(shown "") # the rooms that hold something
set(all_files 0)
set(all_up 0)
foreach(number RANGE ${last_room})
  if(files_${number})
    list(APPEND shown ${number})
    increase(all_files ${files_${number}})
    increase(all_up ${up_${number}})
    math(EXPR whole "${permille_${number}} / 10")
    math(EXPR tenth "${permille_${number}} % 10")
    row(${name_${number}} ${files_${number}} ${lines_${number}} ${whole}.${tenth} ${up_${number}}
      "${biggest_${number}} (${biggest_lines_${number}})")
  endif()
endforeach()
row(all ${all_files} ${all_lines} 100.0 ${all_up} "")

set(dot "digraph rooms {\n  rankdir=BT;\n  node [shape=box];\n")
foreach(from IN LISTS shown)
  string(APPEND dot
    "  \"${name_${from}}\" [label=\"${name_${from}}\\n${files_${from}} files, ${lines_${from}} lines\"];\n")
  foreach(to IN LISTS shown)
    if(arrows_${from}_${to} AND NOT from EQUAL to)
      string(APPEND dot
        "  \"${name_${from}}\" -> \"${name_${to}}\" [label=\"${arrows_${from}_${to}}\"];\n")
    endif()
  endforeach()
endforeach()
file(WRITE ${graph}.dot "${dot}}\n")

# The picture: the rooms one above the other, the lowest at the bottom, as wide as they have lines.
# Arrows leave and arrive at the right, those that skip rooms farther out; one that points up is red
# and at the left.
set(step 58)
set(top 30)
set(height 40)
set(left_edge 130)
list(LENGTH shown count)
set(place 0)
foreach(number IN LISTS shown)
  math(EXPR y_${number} "${top} + ${step} * (${count} - 1 - ${place})")
  set(place_${number} ${place})
  math(EXPR wide_${number} "190 + ${lines_${number}} / 40")
  increase(place 1)
endforeach()

set(curves "")
set(boxes "")
foreach(from IN LISTS shown)
  foreach(to IN LISTS shown)
    if(NOT arrows_${from}_${to} OR from EQUAL to)
      continue()
    endif()
    math(EXPR skipped "${place_${from}} - ${place_${to}}")
    math(EXPR x1 "${left_edge} + ${wide_${from}}")
    math(EXPR x2 "${left_edge} + ${wide_${to}}")
    math(EXPR bend "340 + 22 * ${skipped} + ${left_edge}")
    set(colour "#456")
    if(skipped LESS 0)
      set(x1 ${left_edge})
      set(x2 ${left_edge})
      math(EXPR bend "${left_edge} - 40 + 4 * ${skipped}")
      set(colour "#d00")
    endif()
    math(EXPR y1 "${y_${from}} + ${height} * 2 / 3")
    math(EXPR y2 "${y_${to}} + ${height} / 3")
    # Where the curve is in the middle: (p0 + 3 p1 + 3 p2 + p3) / 8.
    math(EXPR x "(${x1} + 6 * ${bend} + ${x2}) / 8")
    math(EXPR y "(${y1} + ${y2}) / 2")
    string(APPEND curves
      "<path d=\"M${x1} ${y1} C${bend} ${y1} ${bend} ${y2} ${x2} ${y2}\" stroke=\"${colour}\"/>\n")
    string(APPEND boxes "<text class=\"n\" x=\"${x}\" y=\"${y}\">${arrows_${from}_${to}}</text>\n")
  endforeach()
  math(EXPR x "${left_edge} + 10")
  math(EXPR y1 "${y_${from}} + 17")
  math(EXPR y2 "${y_${from}} + 33")
  string(APPEND boxes
    "<rect x=\"${left_edge}\" y=\"${y_${from}}\" width=\"${wide_${from}}\" height=\"${height}\"/>\n"
    "<text x=\"${x}\" y=\"${y1}\">${name_${from}}</text>\n"
    "<text class=\"s\" x=\"${x}\" y=\"${y2}\">${files_${from}} files, ${lines_${from}} lines</text>\n")
endforeach()
math(EXPR picture_height "${top} * 2 + ${step} * ${count}")
math(EXPR picture_width "${left_edge} + 400 + 22 * ${count}")
file(WRITE ${graph}.svg
  "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"${picture_width}\" height=\"${picture_height}\">\n"
  "<style>text{font:14px sans-serif}.s{font-size:11px;fill:#555}"
  ".n{font-size:11px;text-anchor:middle;paint-order:stroke;stroke:#fff;stroke-width:3px}"
  "rect{fill:#eef4fa;stroke:#456}path{fill:none;marker-end:url(#a)}</style>\n"
  "<defs><marker id=\"a\" viewBox=\"0 0 8 8\" refX=\"8\" refY=\"4\" markerWidth=\"7\" markerHeight=\"7\""
  " orient=\"auto\"><path d=\"M0 0 L8 4 L0 8 z\" style=\"fill:#456;marker-end:none\"/></marker></defs>\n"
  "<rect width=\"100%\" height=\"100%\" style=\"fill:#fff;stroke:none\"/>\n${curves}${boxes}</svg>\n")
