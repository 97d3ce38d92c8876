// Package tinynet writes small ONNX networks for tests, so that what an
// operator's own network must be is shown by one that anybody can read.
package tinynet

import (
	"encoding/binary"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// Numbers of the fields of ONNX's messages (onnx.proto, ONNX 1.12).
const (
	modelIR, modelProducer, modelGraph, modelOpset  = 1, 2, 7, 8
	opsetVersion                                    = 2
	graphNode, graphName, graphInitial              = 1, 2, 5
	graphInput, graphOutput                         = 11, 12
	nodeInput, nodeOutput, nodeName, nodeOp         = 1, 2, 3, 4
	nodeAttribute                                   = 5
	attributeName, attributeInt, attributeType      = 1, 3, 20
	tensorDims, tensorType, tensorName, tensorBytes = 1, 2, 8, 9
	valueName, valueType                            = 1, 2
)

// Embedding returns an ONNX file that answers a square picture of three
// channels with numbers: of each the sum of the channels' means by its row of
// weights, three in a row. Its last node is called "say", the one before
// "flat".
func Embedding(side int, weights ...float32) []byte {
	rows := len(weights) / 3
	var graph []byte
	graph = message(graph, graphNode, node("mean", "GlobalAveragePool", "mean", []string{"picture"}))
	graph = message(graph, graphNode, node("flat", "Flatten", "flat", []string{"mean"}))
	graph = message(graph, graphNode, node("say", "Gemm", "said", []string{"flat", "rows", "none"}, "transB"))
	graph = text(graph, graphName, "means")
	graph = message(graph, graphInitial, tensor("rows", weights, rows, 3))
	graph = message(graph, graphInitial, tensor("none", make([]float32, rows), rows))
	graph = message(graph, graphInput, value("picture", 1, 3, side, side))
	graph = message(graph, graphOutput, value("said", 1, rows))
	return model(graph)
}

// Grey returns an ONNX file that answers a picture with rows of columns and
// nothing else: a shape that no recogniser looks through.
func Grey(side int) []byte {
	var graph []byte
	graph = message(graph, graphNode, node("grey", "Reshape", "grey", []string{"picture", "shape"}))
	graph = text(graph, graphName, "grey")
	graph = message(graph, graphInitial, shape("shape", 3, side*side, 1))
	graph = message(graph, graphInput, value("picture", 1, 3, side, side))
	graph = message(graph, graphOutput, value("grey", 3, side*side, 1))
	return model(graph)
}

func model(graph []byte) []byte {
	b := number(nil, modelIR, 7)
	b = text(b, modelProducer, "tinynet")
	b = message(b, modelGraph, graph)
	return message(b, modelOpset, number(nil, opsetVersion, 11))
}

// node is one step; each of ones is an attribute that is 1.
func node(name, op, output string, inputs []string, ones ...string) []byte {
	var b []byte
	for _, in := range inputs {
		b = text(b, nodeInput, in)
	}
	b = text(text(text(b, nodeOutput, output), nodeName, name), nodeOp, op)
	for _, one := range ones {
		const whole = 2 // the type of a whole number
		a := number(text(nil, attributeName, one), attributeInt, 1)
		b = message(b, nodeAttribute, number(a, attributeType, whole))
	}
	return b
}

func tensor(name string, v []float32, dims ...int) []byte {
	var b, raw []byte
	for _, d := range dims {
		b = number(b, tensorDims, d)
	}
	for _, x := range v {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(x))
	}
	const floats = 1
	return message(text(number(b, tensorType, floats), tensorName, name), tensorBytes, raw)
}

// shape is a tensor of whole numbers.
func shape(name string, v ...int) []byte {
	const longs = 7
	b := number(nil, tensorDims, len(v))
	var raw []byte
	for _, x := range v {
		raw = binary.LittleEndian.AppendUint64(raw, uint64(x)) //nolint:gosec // none is below nothing
	}
	return message(text(number(b, tensorType, longs), tensorName, name), tensorBytes, raw)
}

func value(name string, dims ...int) []byte {
	const floats = 1
	var shape []byte
	for _, d := range dims {
		shape = message(shape, 1, number(nil, 1, d))
	}
	return message(text(nil, valueName, name), valueType, message(nil, 1, message(number(nil, 1, floats), 2, shape)))
}

func number(b []byte, field protowire.Number, v int) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, field, protowire.VarintType), uint64(v)) //nolint:gosec // none is below nothing
}

func text(b []byte, field protowire.Number, s string) []byte { return message(b, field, []byte(s)) }

func message(b []byte, field protowire.Number, m []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, field, protowire.BytesType), m)
}
