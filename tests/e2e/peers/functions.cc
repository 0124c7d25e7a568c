// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * C++ functions to be probed, under 16 threads: a member that returns, one that throws every third time. Argument:
 * how often, or "idle" to wait. Says what it did as a line of JSON.
 */
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <thread>
#include <vector>

using Clock = std::chrono::steady_clock;

static long since(Clock::time_point begun)
{
	return std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - begun).count();
}

namespace store
{
struct Writer {
	long ns = 0, caught = 0;

	[[gnu::noipa]] long append(const char *data, long size);
	[[gnu::noipa]] void refuse(long i);
};

long Writer::append(const char *data, long size)
{
	auto begun = Clock::now();

	std::this_thread::sleep_for(std::chrono::microseconds(2000 + data[0]));
	ns += since(begun);
	return size;
}

void Writer::refuse(long i)
{
	if (i % 3 == 0)
		throw std::runtime_error("refused");
}
} // namespace store

int main(int, char **argv)
{
	constexpr int threads = 16;
	if (!std::strcmp(argv[1], "idle"))
		return std::getchar() == EOF;

	long times = std::atol(argv[1]), ns = 0, caught = 0;
	std::vector<store::Writer> writers(threads);
	std::vector<std::thread> running;

	for (auto &writer : writers)
		running.emplace_back([&writer, times] {
			for (long i = 0; i < times; i++) {
				writer.append("data", i);
				try {
					writer.refuse(i);
				} catch (const std::runtime_error &) {
					writer.caught++;
				}
			}
		});
	for (auto &thread : running)
		thread.join();
	for (auto &writer : writers) {
		ns += writer.ns;
		caught += writer.caught;
	}
	std::printf("{\"calls\": %ld, \"ns\": %ld, \"caught\": %ld, \"bytes\": %ld}\n", threads * times, ns, caught,
		    threads * times * (times - 1) / 2);
}
