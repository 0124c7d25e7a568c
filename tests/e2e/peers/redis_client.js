// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A pool of clients of the npm package `ioredis`, driven by commands. Arguments: port or path, number of
// connections, `tls` if inside TLS.
'use strict';

const peer = require('./peer.js');

const Redis = peer.load('ioredis');
const [where, count = '1', ...options] = process.argv.slice(2);
const tls = options.includes('tls') ? { tls: {} } : {};
const pool = [];

peer.serve({
  open: async () => {
    for (let i = 0; i < Number(count); i++) {
      const client = new Redis(where, {
        host: '127.0.0.1', lazyConnect: true, enableReadyCheck: false, disableClientInfo: true, ...tls,
      });
      client.on('error', () => { });
      await client.connect();
      pool.push(client);
    }
  },
  // Each of the commands, arrays of words, so many times on every connection, without waiting for each other.
  call: async ({ commands, n = 1 }) => {
    let failed = 0;
    const work = [];
    for (let i = 0; i < n; i++) {
      for (const client of pool) {
        for (const [name, ...words] of commands) {
          peer.count(`commands.${name}`);
          work.push(client.call(name, ...words).catch(() => { failed++; }));
        }
      }
    }
    await Promise.all(work);
    return { failed };
  },
  // One MULTI … EXEC.
  transaction: async ({ commands }) => {
    const results = await pool[0].multi(commands.map(([name, ...words]) => [name, ...words])).exec();
    return { results: results.length };
  },
  close: async () => { for (const client of pool.splice(0)) client.disconnect(); },
});
