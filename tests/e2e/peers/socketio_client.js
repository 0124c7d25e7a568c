// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Client of socket.io, driven by commands. Arguments: URL, then `upgrade` to begin with long polling.
'use strict';

const peer = require('./peer.js');

const { io } = peer.load('socket.io-client');
const [url, ...options] = process.argv.slice(2);
const upgrade = options.includes('upgrade');
const sockets = [];

const once = (emitter, name) => new Promise((resolve) => emitter.once(name, resolve));

peer.serve({
  open: async ({ n = 1 }) => {
    for (let i = 0; i < n; i++) {
      const transports = upgrade ? ['polling', 'websocket'] : ['websocket'];
      const socket = io(url, { forceNew: true, reconnection: false, transports });
      await once(socket, 'connect');
      if (upgrade && socket.io.engine.transport.name !== 'websocket') await once(socket.io.engine, 'upgrade');
      sockets.push(socket);
    }
  },
  echo: async (command) => {
    await Promise.all(sockets.map(async (socket) => {
      for (const payload of peer.payloads(command)) await socket.emitWithAck('message', payload);
    }));
  },
  close: async () => {
    await Promise.all(sockets.map((socket) => {
      const end = once(socket.io.engine, 'close');
      socket.close();
      return end;
    }));
    sockets.length = 0;
  },
});
