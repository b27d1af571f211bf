// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

/// The page on which a description of an API is read and tried. @source@ stands for its address.

namespace hanami::service::api::detail {

inline constexpr std::string_view documentation_text = R"html(<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>hanami API</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
:root { color-scheme: light dark; --line: #8884; --soft: #8882; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h2 { border-bottom: 1px solid var(--line); margin-top: 2.5rem; }
#all h2 { text-transform: capitalize; } #all h2 + p { margin-top: 0; }
nav a { margin-right: .8rem; }
details { border: 1px solid var(--line); border-radius: 6px; margin: .4rem 0; }
summary { padding: .4rem .7rem; cursor: pointer; }
summary code { font-weight: 600; } a.at { float: right; text-decoration: none; }
.in { padding: 0 1rem .8rem; } .in p { white-space: pre-line; }
.m { display: inline-block; min-width: 4.2rem; font: 600 12px ui-monospace, monospace; }
pre { background: var(--soft); padding: .7rem; border-radius: 6px; overflow: auto; font-size: 13px; }
table { border-collapse: collapse; width: 100%; } td { border-top: 1px solid var(--line);
padding: .25rem .5rem; vertical-align: top; }
input, textarea, button { font: inherit; padding: .4rem; } #find, textarea { width: 100%; }
textarea { font: 13px ui-monospace, monospace; min-height: 8rem; box-sizing: border-box; }
</style></head><body>
<h1 id="title">hanami</h1><p id="about"></p>
<nav><a href="/docs">The API</a><a href="/docs/reference">The reference's API</a>
<a href="@source@">This description (OpenAPI 3.1)</a></nav>
<nav><a href="#begin">Begin</a><a href="#log-in">Log in</a><a href="#templates">Templates</a>
<a href="#endpoints">Endpoints</a></nav>
<h2 id="begin">Begin</h2>
<p>A cluster is a network that grows while it learns, from a template: its inputs, its outputs, and
hexagons of neurons between them. Samples are learned one by one or in batches, or by tasks from
datasets; streams forecast rows that never end, and raise alarms. All of it belongs to a user and a
project. Bodies are JSON. What goes wrong is told as <code>application/problem+json</code> with a
<code>code</code> for programs and a <code>detail</code> for people.</p>
<pre>
# a token, which holds for an hour
curl -s localhost:11418/v1/sessions -d '{"user_id": "ann", "password": "..."}'
export TOKEN=...   # its access_token

# a cluster of three hexagons in a row, two values in, one out
curl -s localhost:11418/v1/clusters -H "Authorization: Bearer $TOKEN" -d '{"name": "first",
  "template": "version: 1\nhexagons:\n  1..3,1,1\ninputs:\n  x:\n    target: 1,1,1\n    number_of_inputs: 2\noutputs:\n  y:\n    target: 3,1,1\n    number_of_outputs: 1\n    kind: linear\n"}'

# one sample learned, one question asked
curl -s localhost:11418/v1/clusters/$ID/train -H "Authorization: Bearer $TOKEN" \
  -d '{"inputs": {"x": [0.5, 1]}, "targets": {"y": [2]}}'
curl -s localhost:11418/v1/clusters/$ID/infer -H "Authorization: Bearer $TOKEN" \
  -d '{"inputs": {"x": [0.5, 1]}}'
</pre>
<h2 id="log-in">Log in</h2>
<p>Requests from this page are sent with the token that you get here; it is forgotten with the page.
A token speaks for one user in one project, and holds for both APIs.</p>
<form id="login"><input id="user" placeholder="user" aria-label="user" autocomplete="username">
<input id="password" type="password" placeholder="password" aria-label="password"
autocomplete="current-password">
<input id="code" placeholder="code, if you have an app" aria-label="code of a second factor"
autocomplete="one-time-code"> <button>Log in</button> <span id="who" role="status"></span></form>
<h2 id="templates">Templates</h2>
<p>Blanks and line ends only separate; # begins a comment. [x] is optional, {x} repeats, a range
holds both its ends. <code>GET /v1/templates/presets</code> gives some to begin with, <code>POST
/v1/templates/check</code> says what is wrong with one, and what it would take.</p>
<pre>
template = "version: 1" ["settings:" {setting}] "hexagons:" hexagon {hexagon}
           ["axons:" {range "-&gt;" position}]
           "inputs:" input {input} "outputs:" output {output}
setting  = neurons | "max_connection_distance:" int | "enable_reduction:" bool
         | "activation:" ("relu" | "log2") | "brick_size:" (32 | 64 | 128 | 256)
         | "initial_bricks:" int | "max_bricks:" int | "max_steps:" (0..32 | "auto")
         | "memory_limit:" int ["KiB" | "MiB" | "GiB"]
neurons  = "neuron_cooldown:" number [".." number] | "refractory_time:" int [".." int]
         | "fire_threshold:" number
hexagon  = range {neurons}
position = int "," int "," int                              x, y, z
range    = axis "," axis "," axis
axis     = int [".." int]
input    = name ":" {"target:" position | "number_of_inputs:" int | "shape:" extent
                    | "windows:" extent "to" range | "margin:" int}
output   = name ":" {"target:" position | "number_of_outputs:" int
                    | "kind:" ("softmax" | "sigmoid" | "linear")
                    | "loss:" ("squared" | "huber" | "quantile" number)}
extent   = int "x" int                                      rows x columns
</pre>
<h2 id="endpoints">Endpoints</h2>
<input id="find" type="search" placeholder="find an endpoint: words of its path or description"
aria-label="find an endpoint"><p id="found" role="status"></p><nav id="chapters"></nav>
<div id="all"></div>
<script>
const make = (tag, text, parent) => { const e = document.createElement(tag);
  if (text !== undefined) e.textContent = text; if (parent) parent.append(e); return e; };
const at = id => document.getElementById(id);
let token = "";
const follow = (s, api) => s && s.$ref ? api.components.schemas[s.$ref.split("/").pop()] : s;
const shape = (s, api, depth = 0) => { if (!s) return "";
  if (s.$ref) { const name = s.$ref.split("/").pop();
    return depth > 3 ? name : shape(api.components.schemas[name], api, depth); }
  const pad = "  ".repeat(depth + 1), limits = ["minimum", "maximum", "minLength", "maxLength",
    "minItems", "maxItems", "pattern", "format", "default"].filter(k => k in s)
    .map(k => k + " " + JSON.stringify(s[k])).join(", ");
  const note = [limits, s.description].filter(Boolean).join("; ");
  if (s.properties) return "{\n" + Object.entries(s.properties).map(([k, v]) => pad + k +
    ((s.required || []).includes(k) ? "" : "?") + ": " + shape(v, api, depth + 1)).join("\n") +
    "\n" + "  ".repeat(depth) + "}" + (note ? "  // " + note : "");
  if (s.oneOf) return s.oneOf.map(v => shape(v, api, depth)).join("\n" + "  ".repeat(depth) + "or ");
  if (s.items) return "[ " + shape(s.items, api, depth) + " ]" + (note ? "  // " + note : "");
  if (typeof s.additionalProperties === "object")
    return "{ key: " + shape(s.additionalProperties, api, depth) + " }" + (note ? "  // " + note : "");
  const type = s.enum ? s.enum.map(v => JSON.stringify(v)).join(" | ")
    : [].concat(s.type || "any").join(" or ");
  return type + (note ? "  // " + note : ""); };
const sample = (given, api, depth = 0) => { const s = follow(given, api) || {};
  if (s.default !== undefined) return s.default;
  if (s.examples) return s.examples[0];
  if (s.enum) return s.enum[0];
  if (s.const !== undefined) return s.const;
  if (s.oneOf) return sample(s.oneOf[0], api, depth);
  if (s.properties) return Object.fromEntries(Object.entries(s.properties)
    .filter(([k]) => (s.required || []).includes(k)).map(([k, v]) => [k, sample(v, api, depth + 1)]));
  if (s.items) return depth < 4 ? [sample(s.items, api, depth + 1)] : [];
  const type = [].concat(s.type || "object")[0];
  return { string: "", integer: s.minimum || 0, number: s.minimum || 0, boolean: false, array: [] }[type] ?? {}; };
const show = async (answer, out) => {
  out.textContent = answer.status + " " + answer.statusText + "\n" +
    [...answer.headers].map(([k, v]) => k + ": " + v + "\n").join("") + "\n";
  const reader = answer.body && answer.body.getReader(), words = new TextDecoder();
  for (let rest = 20000; reader && rest > 0;) { const { done, value } = await reader.read();
    if (done) return;
    const text = words.decode(value, { stream: true }).slice(0, rest);
    rest -= text.length; out.textContent += text; }
  if (reader) { out.textContent += "\n..."; reader.cancel(); } };
const trial = (method, path, o, api, inside) => {
  make("h4", "Try it", inside);
  const form = make("form", undefined, inside), fields = [];
  for (const p of (o.parameters || []).filter(p => p.in !== "cookie")) {
    const line = make("p", undefined, form), label = make("label", p.name + (p.required ? " " : "? "), line);
    const field = make("input", undefined, label); field.name = p.name; field.dataset.in = p.in;
    fields.push(field); }
  const body = o.requestBody && Object.entries(o.requestBody.content)[0];
  let text;
  if (body) { text = make("textarea", undefined, form); text.setAttribute("aria-label", "body");
    const example = body[1].example ?? sample(body[1].schema, api);
    text.value = typeof example === "string" ? example : JSON.stringify(example, null, 2); }
  const send = make("button", "Send", form), out = make("pre", undefined, inside); out.hidden = true;
  form.onsubmit = async event => { event.preventDefault(); out.hidden = false; out.textContent = "...";
    let target = path; const query = new URLSearchParams(), headers = {};
    for (const f of fields) { if (f.dataset.in === "path")
        target = target.replace("{" + f.name + "}", encodeURIComponent(f.value));
      else if (f.value !== "" && f.dataset.in === "query") query.append(f.name, f.value);
      else if (f.value !== "") headers[f.name] = f.value; }
    if (token) headers.Authorization = "Bearer " + token;
    if (text) headers["Content-Type"] = body[0];
    send.disabled = true;
    try { await show(await fetch(target + (query.size ? "?" + query : ""), { method: method.toUpperCase(),
      headers, redirect: "manual", body: text ? text.value : undefined }), out); }
    catch (why) { out.textContent += "\n" + why; }
    send.disabled = false; }; };
const fill = (d, method, path, o, api) => {
  const inside = make("div", undefined, d); inside.className = "in";
  if (o.description) make("p", o.description, inside);
  if (o.parameters) { const t = make("table", undefined, inside);
    for (const p of o.parameters) { const r = make("tr", undefined, t);
      make("td", p.name + (p.required ? "" : "?"), r); make("td", p.in, r);
      make("td", shape(p.schema, api), r); } }
  for (const [type, content] of Object.entries(o.requestBody ? o.requestBody.content : {})) {
    make("p", "Takes " + type, inside); make("pre", shape(content.schema, api), inside); }
  for (const [status, r] of Object.entries(o.responses)) {
    const content = r.content && Object.entries(r.content)[0];
    make("p", status + ": " + r.description, inside);
    if (content && status < 300) make("pre", shape(content[1].schema, api), inside); }
  trial(method, path, o, api, inside); };
const reveal = () => { const found = location.hash && at(decodeURIComponent(location.hash.slice(1)));
  if (!found) return;
  if (found.hidden) { at("find").value = ""; at("find").oninput(); }
  if (found.tagName === "DETAILS") found.open = true;
  found.scrollIntoView(); };
at("login").onsubmit = async event => { event.preventDefault();
  const wanted = { user_id: at("user").value, password: at("password").value };
  if (at("code").value) wanted.code = at("code").value;
  const answer = await fetch("/v1/sessions", { method: "POST", body: JSON.stringify(wanted),
    headers: { "Content-Type": "application/json" } }), said = await answer.json();
  token = answer.ok ? said.access_token : ""; at("password").value = at("code").value = "";
  at("who").textContent = answer.ok ? said.user_name + ", in " + said.project_id : said.detail; };
fetch("@source@").then(r => r.json()).then(api => {
  at("title").textContent = api.info.title + " " + api.info.version;
  at("about").textContent = api.info.description;
  const chapters = {}, every = [];
  for (const tag of api.tags) { const c = chapters[tag.name] = make("section", undefined, at("all"));
    c.id = "chapter-" + tag.name.replaceAll(" ", "-");
    make("h2", tag.name, c); make("p", tag.description, c);
    make("a", tag.name, at("chapters")).href = "#" + c.id; at("chapters").append(" "); }
  for (const [path, methods] of Object.entries(api.paths))
    for (const [method, o] of Object.entries(methods)) {
      const d = make("details", undefined, chapters[o.tags[0]]), s = make("summary", undefined, d);
      d.id = o.operationId; every.push(d);
      d.dataset.words = [method, path, o.operationId, o.summary, o.description].join(" ").toLowerCase();
      make("span", method.toUpperCase(), s).className = "m"; make("code", path, s);
      make("span", "  " + o.summary, s);
      const here = make("a", "#", s); here.href = "#" + d.id; here.className = "at";
      here.setAttribute("aria-label", "link to " + o.operationId);
      d.ontoggle = () => { if (d.open && d.children.length === 1) fill(d, method, path, o, api); }; }
  at("find").oninput = () => { const words = at("find").value.toLowerCase().split(/\s+/);
    for (const d of every) d.hidden = !words.every(w => d.dataset.words.includes(w));
    for (const c of Object.values(chapters))
      c.hidden = ![...c.querySelectorAll("details")].some(d => !d.hidden);
    at("found").textContent = every.filter(d => !d.hidden).length + " of " + every.length; };
  at("find").oninput(); addEventListener("hashchange", reveal); reveal();
  document.body.dataset.ready = "yes"; });
</script></body></html>
)html";

} // namespace hanami::service::api::detail
