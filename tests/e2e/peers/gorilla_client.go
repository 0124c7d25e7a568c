// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

// Client of gorilla/websocket, driven by commands. Argument: URL.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/gorilla/websocket"
)

type command struct {
	Do       string
	N        int
	Texts    []int
	Binaries []int
	Rounds   int
	Sizes    []int
	Binary   bool
	Code     int
	Reason   string
}

var (
	connections []*websocket.Conn
	counts      = map[string]int{}
)

func count(direction string, kind, size int) {
	name := map[int]string{websocket.TextMessage: "text", websocket.BinaryMessage: "binary"}[kind]
	counts[direction+"."+name]++
	counts["bytes."+direction] += size
}

func open(wanted command) error {
	for i := 0; i < wanted.N; i++ {
		connection, _, err := websocket.DefaultDialer.Dial(os.Args[1], nil)
		if err != nil {
			return err
		}
		connection.SetPongHandler(func(string) error {
			counts["received.pong"]++
			return nil
		})
		connections = append(connections, connection)
	}
	return nil
}

func receive(connection *websocket.Conn) error {
	kind, data, err := connection.ReadMessage()
	if err == nil {
		count("received", kind, len(data))
	}
	return err
}

func echo(wanted command) error {
	send := func(connection *websocket.Conn, kind, size int) error {
		count("sent", kind, size)
		if err := connection.WriteMessage(kind, []byte(strings.Repeat("x", size))); err != nil {
			return err
		}
		return receive(connection)
	}
	for _, connection := range connections {
		for round := 0; round < wanted.Rounds; round++ {
			for _, size := range wanted.Texts {
				if err := send(connection, websocket.TextMessage, size); err != nil {
					return err
				}
			}
			for _, size := range wanted.Binaries {
				if err := send(connection, websocket.BinaryMessage, size); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// fragments sends one message whose frames end where the writer's buffer is full.
func fragments(wanted command) error {
	kind, total := websocket.TextMessage, 0
	if wanted.Binary {
		kind = websocket.BinaryMessage
	}
	for _, size := range wanted.Sizes {
		total += size
	}
	for _, connection := range connections {
		writer, err := connection.NextWriter(kind)
		if err != nil {
			return err
		}
		for _, size := range wanted.Sizes {
			if _, err := writer.Write([]byte(strings.Repeat("x", size))); err != nil {
				return err
			}
		}
		if err := writer.Close(); err != nil {
			return err
		}
		count("sent", kind, total)
		if err := receive(connection); err != nil {
			return err
		}
	}
	return nil
}

// ping is followed by a message: gorilla handles the pong while it reads.
func ping(wanted command) error {
	for _, connection := range connections {
		for i := 0; i < wanted.N; i++ {
			counts["sent.ping"]++
			if err := connection.WriteMessage(websocket.PingMessage, []byte{byte(i)}); err != nil {
				return err
			}
			count("sent", websocket.TextMessage, 0)
			if err := connection.WriteMessage(websocket.TextMessage, nil); err != nil {
				return err
			}
			if err := receive(connection); err != nil {
				return err
			}
		}
	}
	return nil
}

func closeAll(wanted command) error {
	for _, connection := range connections {
		payload := websocket.FormatCloseMessage(wanted.Code, wanted.Reason)
		if err := connection.WriteControl(websocket.CloseMessage, payload, time.Now().Add(time.Second)); err != nil {
			return err
		}
		connection.ReadMessage()
		connection.Close()
	}
	connections = nil
	return nil
}

func main() {
	handlers := map[string]func(command) error{
		"open": open, "echo": echo, "fragments": fragments, "ping": ping, "close": closeAll,
	}
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		wanted := command{N: 1, Rounds: 1, Code: websocket.CloseNormalClosure}
		if err := json.Unmarshal(lines.Bytes(), &wanted); err != nil {
			fmt.Printf("{\"error\": %q}\n", err)
			continue
		}
		if wanted.Do == "counts" {
			json.NewEncoder(os.Stdout).Encode(counts)
		} else if err := handlers[wanted.Do](wanted); err != nil {
			fmt.Printf("{\"error\": %q}\n", err)
		} else {
			fmt.Println("{}")
		}
	}
}
