// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Echo server of µWebSockets, inside TLS if the suite gives it a certificate. Argument: PORT.
'use strict';

const peer = require('./peer.js');

const { App, SSLApp } = peer.load('uwebsockets');
const port = Number(process.argv[2]);
const file = process.env.E2E_CERTIFICATE;
const app = file ? SSLApp({ key_file_name: file, cert_file_name: file }) : App();

app.ws('/*', {
  maxPayloadLength: 1 << 28,
  maxBackpressure: 1 << 30,
  message: (socket, message, binary) => {
    peer.countMessage('received', binary, message.byteLength);
    peer.countMessage('sent', binary, message.byteLength);
    socket.send(message, binary);
  },
  ping: () => {
    peer.count('received.ping');
    peer.count('sent.pong');
  },
}).listen('127.0.0.1', port, (listening) => {
  peer.say(listening ? { listening: port } : { error: `cannot listen on ${port}` });
  peer.serve({});
});
