// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

// HTTP client of Go's library, driven by commands: one connection, kept open. Argument: the URL in front of every path.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
)

type command struct {
	Do     string
	Path   string
	Method string
	N      int
	Body   int
}

var counts = map[string]int{}

func request(wanted command) error {
	for i := 0; i < wanted.N; i++ {
		body := bytes.NewReader(make([]byte, wanted.Body))
		outgoing, err := http.NewRequest(wanted.Method, os.Args[1]+wanted.Path, body)
		if err != nil {
			return err
		}
		response, err := http.DefaultClient.Do(outgoing)
		if err != nil {
			return err
		}
		size, err := io.Copy(io.Discard, response.Body)
		response.Body.Close()
		if err != nil {
			return err
		}
		if response.StatusCode == http.StatusOK && size != int64(wanted.Body) {
			return fmt.Errorf("%d bytes came back of %d", size, wanted.Body)
		}
		counts[fmt.Sprintf("%s %s %d", wanted.Method, wanted.Path, response.StatusCode)]++
	}
	return nil
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		wanted := command{N: 1, Method: http.MethodGet}
		if err := json.Unmarshal(lines.Bytes(), &wanted); err != nil {
			fmt.Printf("{\"error\": %q}\n", err)
			continue
		}
		if wanted.Do == "counts" {
			json.NewEncoder(os.Stdout).Encode(counts)
		} else if err := request(wanted); err != nil {
			fmt.Printf("{\"error\": %q}\n", err)
		} else {
			fmt.Println("{}")
		}
	}
}
