// SPDX-License-Identifier: Apache-2.0
// node provider.mjs <folder with node_modules> <redirect uri>: a provider of OpenID Connect
// (npm's oidc-provider) at any free port, which it prints. Whoever comes is who they say they are.
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const [folder, redirect] = process.argv.slice(2);
const found = createRequire(`${folder}/package.json`).resolve('oidc-provider');
const { Provider } = await import(pathToFileURL(found));

const server = createServer();
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address();
  const provider = new Provider(`http://127.0.0.1:${port}`, {
    clients: [{ client_id: 'lab', client_secret: 'a secret & more', redirect_uris: [redirect] }],
    claims: { openid: ['sub'], profile: ['preferred_username', 'groups'], email: ['email'] },
    findAccount: (_, id) => ({
      accountId: id,
      claims: () => ({ sub: id, preferred_username: `user.${id}`, groups: ['staff'] }),
    }),
  });
  server.on('request', provider.callback());
  console.log(port);
});
