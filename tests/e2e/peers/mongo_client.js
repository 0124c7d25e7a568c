// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Node's MongoDB driver, driven by the commands of mongo_client.py. Argument: the port.
'use strict';

const peer = require('./peer.js');

const { MongoClient } = peer.load('mongodb');

let client;
const items = (options) => client.db('test').collection('item', options);
const upTo = (n) => Array.from({ length: n }, (_, i) => i);

const work = {
  command: ({ name, ...rest }) => client.db('test').command({ [name]: 1, ...rest }),
  insert: ({ n = 1, size = 10, first = 0, w = 1 }) => {
    const documents = upTo(n).map((i) => ({ _id: first + i, kind: i % 3, text: 'x'.repeat(size) }));
    const collection = items({ writeConcern: { w } });
    return n === 1 ? collection.insertOne(documents[0]) : collection.insertMany(documents);
  },
  find: async ({ batch = 0, ...query }) => {
    const found = await items().find(query, { batchSize: batch || undefined }).toArray();
    return found.length;
  },
  update: async ({ n = 1 }) => {
    for (const i of upTo(n)) await items().updateOne({ _id: i }, { $set: { text: 'changed' } });
  },
  delete: async ({ n = 1 }) => {
    for (const i of upTo(n)) await items().deleteOne({ _id: i });
  },
  aggregate: () => items().aggregate([{ $match: { kind: 1 } }, { $count: 'n' }]).toArray(),
  drop: () => items().drop(),
};

peer.serve({
  open: async ({ do: _, ...options }) => {
    client = new MongoClient(`mongodb://127.0.0.1:${process.argv[2]}`, { serverSelectionTimeoutMS: 5000, ...options });
    await client.db('admin').command({ ping: 1 });
  },
  run: async ({ do: _, work: what, times = 1, ...rest }) => {
    const answer = { errors: [], result: null };
    const began = process.hrtime.bigint();
    for (let i = 0; i < times; i++) {
      try {
        const result = await work[what](rest);
        answer.result = Number.isInteger(result) ? result : null;
      } catch (error) {
        answer.errors.push(error.name);
      }
    }
    answer.seconds = Number(process.hrtime.bigint() - began) / 1e9;
    return answer;
  },
  close: () => client.close(),
});
