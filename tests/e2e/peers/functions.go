// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

// Go functions to be probed, in goroutines that move between threads and whose stacks move: in the middle of append the
// stack grows, and the goroutine waits for another. Argument: how often, or "idle" to wait. Says what it did as a line of JSON.
package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"sync"
	"time"
)

const goroutines = 64

type writer struct {
	ns, failed, caught int64
}

var refused = errors.New("refused")

// deepen needs so much stack that it has to be copied to another place.
//
//go:noinline
func deepen(levels int) int {
	var room [512]byte
	room[levels%512] = byte(levels)
	if levels == 0 {
		return int(room[0])
	}
	return deepen(levels-1) + int(room[levels%512])
}

//go:noinline
func (w *writer) append(data []byte, i int) (int, error) {
	begun := time.Now()
	deepen(i % 50)
	time.Sleep(2 * time.Millisecond)
	w.ns += int64(time.Since(begun))
	if i%4 == 0 {
		w.failed++
		return 0, refused
	}
	return len(data), nil
}

//go:noinline
func (w *writer) refuse(i int) int {
	if i%3 == 0 {
		panic(refused)
	}
	return i + int(w.ns)
}

func (w *writer) try(i int) {
	defer func() {
		if recover() != nil {
			w.caught++
		}
	}()
	w.refuse(i)
}

func main() {
	if os.Args[1] == "idle" {
		os.Stdin.Read(make([]byte, 1))
		return
	}
	times, _ := strconv.Atoi(os.Args[1])
	writers := make([]writer, goroutines)
	runtime.GOMAXPROCS(16)
	var all sync.WaitGroup
	for g := range writers {
		all.Add(1)
		go func(w *writer) {
			defer all.Done()
			for i := 0; i < times; i++ {
				w.append([]byte("some data"), i)
				w.try(i)
			}
		}(&writers[g])
	}
	all.Wait()
	var sum writer
	for _, w := range writers {
		sum.ns += w.ns
		sum.failed += w.failed
		sum.caught += w.caught
	}
	fmt.Printf("{\"calls\": %d, \"ns\": %d, \"failed\": %d, \"caught\": %d}\n", goroutines*times, sum.ns, sum.failed, sum.caught)
}
