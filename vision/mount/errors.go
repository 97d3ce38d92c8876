package mount

import "errors"

var (
	// ErrFormat is returned for a file that is not JSON of this shape; see the
	// package comment.
	ErrFormat = errors.New("not a floor file")
	// ErrPoints is returned for points from which no floor follows; measure
	// four or more marks that are spread over the floor, no three on a line.
	ErrPoints = errors.New("the points give no floor")
	// ErrStray is returned for a point that lies elsewhere than the others put
	// it; measure it again.
	ErrStray = errors.New("a point does not fit the others")
	// ErrHangs is returned where the camera cannot hang, as the points show the
	// floor; measure again where it hangs, or leave that out.
	ErrHangs = errors.New("the camera does not hang there")
	// ErrSize is returned for pictures of another size than the file is for;
	// use the file of this camera, or measure anew.
	ErrSize = errors.New("picture and floor file differ in size")
)
