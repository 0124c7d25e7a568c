// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

// A server that has crypto/tls in it, for its functions to be looked up.
package main

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"os"
)

func main() {
	if len(os.Args) != 4 {
		os.Exit(2)
	}
	server := http.Server{Addr: os.Args[1], TLSConfig: &tls.Config{MinVersion: tls.VersionTLS12}}
	fmt.Println(server.ListenAndServeTLS(os.Args[2], os.Args[3]))
}
