// SPDX-License-Identifier: Apache-2.0
// node docs.mjs <folder with node_modules> <chromium> <address of a server> <user> <password>: reads
// and tries the pages of the API as somebody does who has never seen them. Ends with 0, or says what
// is wrong.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';

const [folder, program, address, user, password] = process.argv.slice(2);
const { chromium } = createRequire(`${folder}/package.json`)('playwright-core');

const browser = await chromium.launch({ executablePath: program, args: ['--no-sandbox'] });
const wrong = [];
const open = async (path) => {
  const page = await browser.newPage();
  page.setDefaultTimeout(20000);
  page.on('console', (m) => m.type() === 'error' && wrong.push(`${path}: ${m.text()}`));
  page.on('pageerror', (why) => wrong.push(`${path}: ${why}`));
  await page.addInitScript(() => {
    addEventListener('securitypolicyviolation', (v) => console.error(`CSP: ${v.violatedDirective}`));
  });
  await page.goto(address + path);
  await page.waitForSelector('body[data-ready]');
  return page;
};
const seen = (page) => page.locator('#all details:visible').count();

for (const [path, source] of [['/docs', '/v1/openapi.json'],
  ['/docs/reference', '/v1.0alpha/openapi.json']]) {
  const api = await (await fetch(address + source)).json();
  const operations = Object.values(api.paths).flatMap((methods) => Object.values(methods));
  const page = await open(path);
  assert.equal(await seen(page), operations.length, 'each operation stands on the page');

  // Search: by words of paths and descriptions, in any case; chapters without a find are gone.
  const wanted = operations[operations.length >> 1];
  await page.fill('#find', wanted.operationId.toUpperCase());
  assert.ok(await page.locator(`#${wanted.operationId}`).isVisible(), 'search finds');
  assert.ok((await seen(page)) < operations.length, 'search leaves out');
  assert.ok((await page.locator('#all section:visible').count()) < api.tags.length);
  await page.fill('#find', 'nothing has this word');
  assert.equal(await seen(page), 0);
  assert.equal(await page.textContent('#found'), `0 of ${operations.length}`);

  // Anchors: of each operation, also from outside and while a search hides it.
  await page.evaluate((id) => { location.hash = id; }, wanted.operationId);
  await page.waitForSelector(`#${wanted.operationId}[open]`);
  assert.equal(await seen(page), operations.length);
  const last = operations[operations.length - 1].operationId;
  const other = await open(`${path}#${last}`);
  await other.waitForSelector(`#${last}[open] .in`);
  const links = await other.$$eval('a[href^="#"]', (all) => all.map((a) => a.hash.slice(1)));
  assert.ok(links.length > operations.length);
  for (const id of links) {
    assert.equal(await other.locator(`[id="${id}"]`).count(), 1, `#${id} leads somewhere`);
  }
  // Every operation can be opened.
  await other.$$eval('#all details', (all) => all.forEach((d) => { d.open = true; }));
  await other.waitForFunction((n) => document.querySelectorAll('#all .in h4').length === n,
    operations.length);
  await other.close();
  await page.close();
}

// Trying it: nothing without a token, all with one.
const page = await open('/docs');
const send = async (id, fields, body) => {
  await page.evaluate((to) => { location.hash = ''; location.hash = to; }, id);
  const form = page.locator(`#${id} form`);
  for (const [name, value] of Object.entries(fields)) await form.locator(`[name="${name}"]`).fill(value);
  if (body) await form.locator('textarea').fill(body);
  const answer = page.locator(`#${id} form ~ pre`);
  await form.locator('button').click();
  await page.waitForFunction((e) => /^\d/.test(e.textContent) &&
    !e.previousElementSibling.querySelector('button').disabled, await answer.elementHandle());
  return answer.textContent();
};
assert.match(await send('get_me', {}), /^401 /);
await page.fill('#user', user);
await page.fill('#password', 'not the password');
await page.click('#login button');
await page.waitForFunction(() => document.getElementById('who').textContent.includes('wrong'));
await page.fill('#password', password);
await page.click('#login button');
await page.waitForFunction(() => document.getElementById('who').textContent.includes(', in '));
assert.equal(await page.inputValue('#password'), '');
assert.match(await send('get_me', {}), new RegExp(`^200 [^]*"${user}"`));
const example = await page.textContent('#templates ~ pre, pre');
const template = 'version: 1\nhexagons:\n  1..3,1,1\ninputs:\n  x:\n    target: 1,1,1\n'
  + '    number_of_inputs: 2\noutputs:\n  y:\n    target: 3,1,1\n    number_of_outputs: 1\n'
  + '    kind: linear\n';
assert.ok(example.includes(JSON.stringify(template).slice(1, -1)), 'the first example is this one');
const made = await send('create_cluster', {}, JSON.stringify({ name: 'first', template }));
assert.match(made, /^201 /);
const id = JSON.parse(made.slice(made.indexOf('{'))).id;
// What the introduction says of training and asking is true.
for (const [operation, words] of [['train', '/train'], ['infer', '/infer']]) {
  const text = example.slice(example.indexOf(words));
  const body = text.slice(text.indexOf("-d '") + 4, text.indexOf("'", text.indexOf("-d '") + 4));
  const path = `/v1/clusters/{cluster_id}/${operation}`;
  const api = await (await fetch(`${address}/v1/openapi.json`)).json();
  assert.match(await send(api.paths[path].post.operationId, { cluster_id: id }, body), /^200 /);
}
assert.match(await send('list_clusters', { limit: '1', name: 'fi rst' }), /^200 [^]*"items":\[\]/);
assert.match(await send('get_cluster', { cluster_id: '../../healthz' }), /^400 /);

// Only the refusals that were meant stand in the console.
const meant = /status of (400|401)/;
assert.deepEqual(wrong.filter((words) => !meant.test(words)), []);
await browser.close();
