//go:build opencv

package cv

/*
#cgo pkg-config: opencv4
#cgo CXXFLAGS: --std=c++11
#cgo LDFLAGS: -ldl
#include <stdlib.h>
#include "bridge.h"
*/
import "C"

import (
	"fmt"
	"strings"
	"unsafe"
)

// init silences OpenCV before anything else of this process can make it
// print; its lines on standard output would break --json for everybody.
func init() {
	C.vouch_quiet()
}

// errText is the space for OpenCV's own words about a bad model.
const errText = 512

// tryNet loads a network once under a C++ catch.
func tryNet(model, config string, side int) error {
	m, c := C.CString(model), C.CString(config)
	defer C.free(unsafe.Pointer(m))
	defer C.free(unsafe.Pointer(c))
	text := (*C.char)(C.calloc(errText, 1))
	defer C.free(unsafe.Pointer(text))
	if C.vouch_try_net(m, c, C.int(side), text, errText) != 0 {
		return fmt.Errorf("%w: %s: %s", ErrModel, model, strings.TrimSpace(C.GoString(text)))
	}
	return nil
}

// namesText is the space for the names of all layers; the largest network here
// has 20,000 bytes of them.
const namesText = 1 << 20

// layerNames returns the layers of a network that was tried before.
func layerNames(model, config string) ([]string, error) {
	return namesOf(model, config, func(m, c, text *C.char) C.int { return C.vouch_layer_names(m, c, text, namesText) })
}

// outputNames returns the layers of a network that nothing follows.
func outputNames(model, config string) ([]string, error) {
	return namesOf(model, config, func(m, c, text *C.char) C.int { return C.vouch_output_names(m, c, text, namesText) })
}

func namesOf(model, config string, ask func(m, c, text *C.char) C.int) ([]string, error) {
	m, c := C.CString(model), C.CString(config)
	defer C.free(unsafe.Pointer(m))
	defer C.free(unsafe.Pointer(c))
	text := (*C.char)(C.calloc(namesText, 1))
	defer C.free(unsafe.Pointer(text))
	bad := ask(m, c, text) != 0
	said := strings.TrimSpace(C.GoString(text))
	if bad {
		return nil, fmt.Errorf("%w: %s: %s", ErrModel, model, said)
	}
	return strings.Split(said, "\n"), nil
}

// tryLayers asks a network for layers once under a C++ catch.
func tryLayers(model, config string, side int, layers []string) error {
	m, c, l := C.CString(model), C.CString(config), C.CString(strings.Join(layers, "\n"))
	defer C.free(unsafe.Pointer(m))
	defer C.free(unsafe.Pointer(c))
	defer C.free(unsafe.Pointer(l))
	text := (*C.char)(C.calloc(errText, 1))
	defer C.free(unsafe.Pointer(text))
	if C.vouch_try_layers(m, c, C.int(side), l, text, errText) != 0 {
		return fmt.Errorf("%w: %s: layers %s cannot be looked at: %s", ErrModel, model, strings.Join(layers, ", "),
			strings.TrimSpace(C.GoString(text)))
	}
	return nil
}
