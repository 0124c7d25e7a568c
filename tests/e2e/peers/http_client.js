// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// HTTP clients of Node, driven by commands. Argument: the URL in front of every path.
'use strict';

const http = require('node:http');
const https = require('node:https');

const peer = require('./peer.js');

const [base] = process.argv.slice(2);
const protocol = base.startsWith('https:') ? https : http;
const agent = new protocol.Agent({ keepAlive: true, maxSockets: 4 });

function request(method, path, body) {
  return new Promise((resolve, reject) => {
    const began = process.hrtime.bigint();
    const outgoing = protocol.request(base + path, { method, agent, headers: body ? { 'Content-Length': body } : {} });
    outgoing.on('error', reject);
    outgoing.on('response', (response) => {
      response.resume();
      response.on('end', () => {
        peer.count(`${method} ${path} ${response.statusCode}`);
        resolve(Number(process.hrtime.bigint() - began) / 1e9);
      });
    });
    outgoing.end(body ? Buffer.alloc(body, 'b') : undefined);
  });
}

peer.serve({
  // Each path so many times by http.Agent, four connections at once; the seconds that each took.
  agent: async ({ paths, n = 1, method = 'GET', body = 0 }) => {
    const work = [];
    for (let i = 0; i < n; i++) for (const path of paths) work.push(request(method, path, body));
    return { seconds: await Promise.all(work) };
  },
  fetch: async ({ paths, n = 1, method = 'GET' }) => {
    for (let i = 0; i < n; i++) {
      for (const path of paths) {
        const response = await fetch(base + path, { method });
        await response.arrayBuffer();
        peer.count(`${method} ${path} ${response.status}`);
      }
    }
  },
});
