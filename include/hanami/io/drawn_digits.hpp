// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <span>
#include <utility>
#include <vector>

#include "../foundation/random.hpp"
#include "dataset.hpp"

/// Digits in the manner of MNIST, drawn by the program, for where no MNIST is: every digit has a
/// few ways to be written, bent, slanted, stretched and moved at random and drawn with a pen of
/// random width.

namespace hanami::inline HANAMI_ISA {

namespace detail {

/// A point of a stroke on a grid of 20 x 20, y downwards. `begins` lifts the pen before it.
struct pen_point {
  std::int8_t x;
  std::int8_t y;
  bool begins = false;
};

struct digit_glyph {
  std::uint8_t digit;
  std::span<const pen_point> points;
};

// Curves run smoothly through the points of a stroke; a corner is where one stroke begins at the
// end of another.
inline constexpr pen_point round_zero[] = {{11, 0, true}, {5, 3},   {3, 10}, {5, 17}, {10, 20},
                                           {15, 17},      {17, 10}, {15, 3}, {10, 0}};
inline constexpr pen_point open_zero[] = {{13, 1, true}, {7, 1},   {3, 7},  {3, 14}, {7, 19},
                                          {13, 19},      {17, 13}, {16, 6}, {10, 2}};
inline constexpr pen_point plain_one[] = {{10, 0, true}, {10, 7}, {10, 13}, {10, 20}};
inline constexpr pen_point flag_one[] = {{6, 5, true}, {11, 0}, {11, 0, true}, {11, 10}, {10, 20}};
inline constexpr pen_point foot_one[] = {{6, 4, true}, {10, 0},       {10, 0, true}, {10, 10},
                                         {10, 20},     {5, 20, true}, {15, 20}};
inline constexpr pen_point plain_two[] = {{4, 5, true}, {8, 0},        {14, 2},  {14, 8}, {9, 14},
                                          {3, 20},      {3, 20, true}, {10, 19}, {17, 20}};
inline constexpr pen_point loop_two[] = {{4, 4, true}, {9, 0},  {15, 4}, {12, 11}, {7, 17},
                                         {4, 19},      {4, 16}, {9, 17}, {17, 20}};
inline constexpr pen_point round_three[] = {{4, 3, true}, {9, 0},   {15, 4}, {9, 9}, {9, 9, true},
                                            {16, 13},     {14, 18}, {8, 20}, {3, 17}};
inline constexpr pen_point flat_three[] = {{4, 0, true}, {15, 0},  {15, 0, true}, {9, 8},
                                           {9, 8, true}, {16, 12}, {13, 19},      {3, 18}};
inline constexpr pen_point open_four[] = {{5, 0, true},  {4, 6},   {4, 11},
                                          {4, 11, true}, {10, 12}, {16, 10},
                                          {15, 0, true}, {14, 10}, {14, 20}};
inline constexpr pen_point closed_four[] = {{13, 0, true}, {8, 7},   {3, 13},
                                            {3, 13, true}, {10, 13}, {18, 13},
                                            {13, 0, true}, {13, 10}, {13, 20}};
inline constexpr pen_point plain_five[] = {{16, 0, true}, {6, 0},       {6, 0, true},
                                           {5, 8},        {5, 8, true}, {12, 7},
                                           {16, 13},      {12, 19},     {4, 19}};
inline constexpr pen_point smooth_five[] = {{15, 0, true}, {8, 1},   {5, 6},  {9, 9},
                                            {14, 12},      {14, 17}, {9, 20}, {4, 18}};
inline constexpr pen_point round_six[] = {{14, 0, true}, {8, 4},   {4, 12},  {6, 19},
                                          {12, 19},      {15, 14}, {11, 10}, {5, 13}};
inline constexpr pen_point slim_six[] = {{9, 0, true}, {6, 7},   {5, 14}, {8, 20},
                                         {13, 18},     {13, 13}, {9, 12}, {5, 16}};
inline constexpr pen_point plain_seven[] = {{3, 1, true},  {10, 1},  {16, 0},
                                            {16, 0, true}, {11, 10}, {8, 20}};
inline constexpr pen_point barred_seven[] = {{3, 2, true}, {16, 1},       {16, 1, true}, {11, 10},
                                             {9, 20},      {6, 11, true}, {15, 10}};
inline constexpr pen_point round_eight[] = {{14, 3, true}, {9, 0},  {5, 4},   {10, 9}, {15, 15},
                                            {10, 20},      {5, 16}, {10, 10}, {15, 5}, {12, 1}};
inline constexpr pen_point stacked_eight[] = {{10, 9, true}, {5, 5},  {10, 0},  {14, 5},  {10, 9},
                                              {10, 9, true}, {4, 14}, {10, 20}, {16, 14}, {10, 9}};
inline constexpr pen_point straight_nine[] = {{14, 3, true}, {9, 0},        {5, 5},   {9, 9},
                                              {14, 4},       {14, 3, true}, {14, 12}, {13, 20}};
inline constexpr pen_point curved_nine[] = {{15, 4, true}, {10, 0},  {5, 5},   {9, 10},
                                            {15, 5},       {15, 12}, {11, 19}, {5, 19}};

inline constexpr digit_glyph digit_glyphs[] = {
    {0, round_zero},  {0, open_zero},    {1, plain_one},   {1, flag_one},      {1, foot_one},
    {2, plain_two},   {2, loop_two},     {3, round_three}, {3, flat_three},    {4, open_four},
    {4, closed_four}, {5, plain_five},   {5, smooth_five}, {6, round_six},     {6, slim_six},
    {7, plain_seven}, {7, barred_seven}, {8, round_eight}, {8, stacked_eight}, {9, straight_nine},
    {9, curved_nine}};

inline constexpr std::size_t longest_stroke = 16;
static_assert(std::all_of(std::begin(digit_glyphs), std::end(digit_glyphs),
                          [](const digit_glyph& g) { return g.points.size() <= longest_stroke; }));

/// The random numbers of one image, in the order they are asked for.
class digit_random {
 public:
  digit_random(std::uint64_t seed, std::uint64_t image) : seed_(seed), image_(image) {}
  std::uint32_t below(std::uint32_t bound) { return random_below(bound, seed_, image_, next_++); }
  /// In (-reach, reach), the middle more often than the ends.
  float around_zero(float reach) {
    const float a = random_signed_unit(seed_, image_, next_++);
    return 0.5f * reach * (a + random_signed_unit(seed_, image_, next_++));
  }

 private:
  std::uint64_t seed_;
  std::uint64_t image_;
  std::uint64_t next_ = 0;
};

struct pen_position {
  float x;
  float y;
};

/// One writer's hand: maps the glyph's grid to pixels by an affine map behind a smooth bending.
class digit_hand {
 public:
  explicit digit_hand(digit_random& random) {
    for (pen_position& node : bend_)
      node = {random.around_zero(0.22f), random.around_zero(0.22f)};
    // tan of half the angle gives sine and cosine without the maths library: the same everywhere.
    const float half = random.around_zero(0.22f);
    const float cosine = (1.0f - half * half) / (1.0f + half * half);
    const float sine = 2.0f * half / (1.0f + half * half);
    const float slant = 0.1f + random.around_zero(0.45f);
    const float width = 15.0f * (1.0f + random.around_zero(0.35f));
    const float height = 17.0f * (1.0f + random.around_zero(0.22f));
    xx_ = cosine * width;
    xy_ = -(cosine * slant + sine) * height;
    yx_ = sine * width;
    yy_ = (cosine - sine * slant) * height;
    middle_ = {13.5f + random.around_zero(1.8f), 13.5f + random.around_zero(1.8f)};
  }

  pen_position place(pen_point point) const {
    const float u = static_cast<float>(point.x) / 20.0f;
    const float v = static_cast<float>(point.y) / 20.0f;
    const pen_position bent = bend(u, v);
    const float x = u + bent.x - 0.5f;
    const float y = v + bent.y - 0.5f;
    return {middle_.x + xx_ * x + xy_ * y, middle_.y + yx_ * x + yy_ * y};
  }

 private:
  /// Bilinear between the 3 x 3 nodes of the bending.
  pen_position bend(float u, float v) const {
    const std::size_t column = u < 0.5f ? 0 : 1;
    const std::size_t row = v < 0.5f ? 0 : 1;
    const float s = 2.0f * u - static_cast<float>(column);
    const float t = 2.0f * v - static_cast<float>(row);
    const pen_position* a = &bend_[row * 3 + column];
    const auto mix = [&](float p, float q, float r, float w) {
      return (1.0f - t) * ((1.0f - s) * p + s * q) + t * ((1.0f - s) * r + s * w);
    };
    return {mix(a[0].x, a[1].x, a[3].x, a[4].x), mix(a[0].y, a[1].y, a[3].y, a[4].y)};
  }

  std::array<pen_position, 9> bend_;
  pen_position middle_{};
  float xx_ = 0.0f;
  float xy_ = 0.0f;
  float yx_ = 0.0f;
  float yy_ = 0.0f;
};

/// 28 x 28 floats that a round pen draws on, with edges one pixel soft.
class digit_canvas {
 public:
  static constexpr int side = 28;

  explicit digit_canvas(float radius) : radius_(radius) {}

  /// A smooth curve (Catmull-Rom) through the points of one stroke.
  void stroke(std::span<const pen_position> points) {
    constexpr int pieces = 4;
    const std::size_t last = points.size() - 1;
    pen_position from = points[0];
    for (std::size_t i = 0; i < last; ++i)
      for (int k = 1; k <= pieces; ++k) {
        const pen_position to = between(points[i == 0 ? 0 : i - 1], points[i], points[i + 1],
                                        points[std::min(i + 2, last)],
                                        static_cast<float>(k) / static_cast<float>(pieces));
        line(from, to);
        from = to;
      }
  }

  void write(std::span<std::uint8_t> pixels) const {
    constexpr float half = 0.5f; // rounds what is not negative, faster than std::lround
    for (std::size_t i = 0; i < pixels.size(); ++i)
      pixels[i] = static_cast<std::uint8_t>(ink_[i] * 255.0f + half);
  }

 private:
  static pen_position between(pen_position a, pen_position b, pen_position c, pen_position d,
                              float t) {
    const auto curve = [t](float p, float q, float r, float s) {
      const float linear = r - p;
      const float square = 2.0f * p - 5.0f * q + 4.0f * r - s;
      const float cube = 3.0f * (q - r) + s - p;
      return q + 0.5f * t * (linear + t * (square + t * cube));
    };
    return {curve(a.x, b.x, c.x, d.x), curve(a.y, b.y, c.y, d.y)};
  }

  /// The first pixel at or after `value`, inside the canvas.
  static int clip(float value) {
    return static_cast<int>(std::clamp(value, 0.0f, static_cast<float>(side)));
  }

  void line(pen_position a, pen_position b) {
    const float reach = radius_ + 0.5f;
    const float dx = b.x - a.x;
    const float dy = b.y - a.y;
    const float length2 = dx * dx + dy * dy + 1e-12f;
    const int left = clip(std::min(a.x, b.x) - reach);
    const int right = clip(std::max(a.x, b.x) + reach + 1.0f);
    const int top = clip(std::min(a.y, b.y) - reach);
    const int bottom = clip(std::max(a.y, b.y) + reach + 1.0f);
    for (int y = top; y < bottom; ++y)
      for (int x = left; x < right; ++x) {
        const float px = static_cast<float>(x) - a.x;
        const float py = static_cast<float>(y) - a.y;
        const float along = std::clamp((px * dx + py * dy) / length2, 0.0f, 1.0f);
        const float ex = px - along * dx;
        const float ey = py - along * dy;
        const float distance = std::sqrt(ex * ex + ey * ey);
        float& ink = ink_[static_cast<std::size_t>(y) * side + static_cast<std::size_t>(x)];
        ink = std::max(ink, std::clamp(reach - distance, 0.0f, 1.0f));
      }
  }

  float radius_;
  std::array<float, std::size_t{side} * side> ink_{};
};

inline void draw_glyph(const digit_glyph& glyph, digit_random& random,
                       std::span<std::uint8_t> pixels) {
  const digit_hand hand(random);
  digit_canvas canvas(1.2f + random.around_zero(0.65f));
  std::array<pen_position, longest_stroke> stroke;
  std::size_t length = 0;
  for (const pen_point& point : glyph.points) {
    if (point.begins && length > 0)
      canvas.stroke(std::span(stroke).first(std::exchange(length, 0)));
    stroke[length++] = hand.place(point);
  }
  canvas.stroke(std::span(stroke).first(length));
  canvas.write(pixels);
}

/// One of the ways to write a random digit; every digit comes equally often.
inline const digit_glyph& choose_glyph(digit_random& random) {
  const std::uint32_t digit = random.below(10);
  const auto is_digit = [&](const digit_glyph& glyph) { return glyph.digit == digit; };
  const auto first = std::find_if(std::begin(digit_glyphs), std::end(digit_glyphs), is_digit);
  const auto ways = std::count_if(first, std::end(digit_glyphs), is_digit);
  return first[random.below(static_cast<std::uint32_t>(ways))];
}

} // namespace detail

/// `count` grey images of 28 x 28 with ink 255 on paper 0 and their labels 0..9, the same for the
/// same seed; image i does not depend on `count`. About 10 us an image.
inline image_dataset draw_digits(std::size_t count, std::uint64_t seed) {
  constexpr std::size_t side = detail::digit_canvas::side;
  std::vector<std::uint8_t> pixels(count * side * side);
  std::vector<std::uint8_t> labels(count);
  for (std::size_t i = 0; i < count; ++i) {
    detail::digit_random random(seed, i);
    const detail::digit_glyph& glyph = detail::choose_glyph(random);
    labels[i] = glyph.digit;
    detail::draw_glyph(glyph, random, std::span(pixels).subspan(i * side * side, side * side));
  }
  return image_dataset(side, side, 10, std::move(pixels), std::move(labels));
}

} // namespace hanami
