package cv

// FaceModel names a face network's files: RFB-320 as one ONNX file, or res10 as
// TensorFlow weights with their Config.
type FaceModel struct {
	Weights string
	Config  string
}
