// Command pause does nothing until it is told to end. As a pod's first process it keeps the pod's network while the
// containers come and go; it stands in for Kubernetes' own program of this name, which is C.
package main

import (
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGTERM, syscall.SIGINT)
	<-ended
}
