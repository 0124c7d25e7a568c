// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Echo server of the npm package `ws` in MODULES: `node echo.js MODULES` prints the free port it took, serves until
// it is killed.
'use strict';

const { WebSocketServer } = require(`${process.argv[2]}/ws`);

const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false }, () => {
  console.log(server.address().port);
});
server.on('connection', (socket) => {
  socket.on('message', (data, binary) => socket.send(data, { binary }));
});
