package line

import (
	"fmt"
	"io"
	"os"
	"syscall"

	"go.bug.st/serial"
)

// Open opens what says something line by line: a serial line at a speed of
// so many bits a second, eight bits, no parity, one stop bit; or a pipe. It does
// not wait for anybody at the other end, and Close lets whoever reads go.
func Open(path string, speed int) (io.ReadWriteCloser, error) {
	st, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if st.Mode()&os.ModeCharDevice == 0 {
		f, err := os.OpenFile(path, os.O_RDWR|syscall.O_NONBLOCK, 0)
		if err != nil {
			return nil, err
		}
		return pipe{f}, nil
	}
	l, err := serial.Open(path, &serial.Mode{BaudRate: speed, DataBits: 8, Parity: serial.NoParity, StopBits: serial.OneStopBit})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return l, nil
}

// A pipe is only read: what was written to it would come back.
type pipe struct{ *os.File }

// Write implements [io.Writer].
func (pipe) Write(b []byte) (int, error) { return len(b), nil }
