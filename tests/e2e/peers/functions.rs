// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
//! Rust functions to be probed, under 16 threads: a method that returns a Result, and one that panics every third
//! time. Argument: how often, or "idle" to wait. Says what it did as a line of JSON.

use std::hint::black_box;
use std::time::{Duration, Instant};

const THREADS: u64 = 16;

pub struct Writer {
    ns: u64,
    failed: u64,
    caught: u64,
}

impl Writer {
    /// Fails where `i` is a multiple of four. A Result of this kind is two registers: 1 in the first is Err.
    #[inline(never)]
    pub fn append(&mut self, data: &[u8], i: u64) -> Result<u64, u64> {
        let begun = Instant::now();
        std::thread::sleep(Duration::from_micros(2000 + u64::from(data[0])));
        self.ns += begun.elapsed().as_nanos() as u64;
        if i % 4 == 0 {
            self.failed += 1;
            return Err(i);
        }
        Ok(data.len() as u64)
    }

    #[inline(never)]
    pub fn refuse(&mut self, i: u64) -> u64 {
        if i % 3 == 0 {
            panic!("refused");
        }
        i + self.ns
    }
}

fn run(times: u64) -> Writer {
    let mut writer = Writer { ns: 0, failed: 0, caught: 0 };
    for i in 0..times {
        // The compiler must not know the data, or it passes none.
        let _ = black_box(writer.append(black_box(&b"some data"[..]), i));
        let refused = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| writer.refuse(i)));
        if refused.is_err() {
            writer.caught += 1;
        }
    }
    writer
}

fn main() {
    if std::env::args().nth(1).unwrap() == "idle" {
        std::io::stdin().read_line(&mut String::new()).unwrap();
        return;
    }
    let times: u64 = std::env::args().nth(1).unwrap().parse().unwrap();
    std::panic::set_hook(Box::new(|_| {}));
    let threads: Vec<_> = (0..THREADS).map(|_| std::thread::spawn(move || run(times))).collect();
    let writers: Vec<Writer> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
    println!(
        "{{\"calls\": {}, \"ns\": {}, \"failed\": {}, \"caught\": {}}}",
        THREADS * times,
        writers.iter().map(|w| w.ns).sum::<u64>(),
        writers.iter().map(|w| w.failed).sum::<u64>(),
        writers.iter().map(|w| w.caught).sum::<u64>(),
    );
}
