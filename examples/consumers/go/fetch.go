// Fetch each URL of standard input with the mounted token, and print the status: fetch /var/run/citrix.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"net/http"
	"os"
)

func main() {
	client := &http.Client{Transport: &Transport{Folder: os.Args[1]}}
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		response, err := client.Get(lines.Text())
		switch {
		case errors.Is(err, ErrTokenNotUsable):
			fmt.Println("later:", err)
		case err != nil:
			fmt.Println("failed:", err)
		default:
			response.Body.Close()
			fmt.Println(response.StatusCode)
		}
	}
}
