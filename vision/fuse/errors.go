package fuse

import "errors"

var (
	// ErrShop means that slots, products and sensors do not fit together.
	// Correct the configuration.
	ErrShop = errors.New("shop does not fit together")

	// ErrUnknown means that a reading names a sensor, slot or SKU that the shop
	// does not have. Correct the configuration or the sensor.
	ErrUnknown = errors.New("reading of something unknown")

	// ErrCalibration means that a calibration's file does not say one. Learn it
	// again.
	ErrCalibration = errors.New("not a calibration")

	// ErrFit means that there is too little to calibrate with: both right and
	// wrong claims are needed. Give more.
	ErrFit = errors.New("nothing to calibrate with")
)
