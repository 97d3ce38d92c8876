package edge

// A FloorView is what a person on the machine is shown of how what its sensors say
// is joined.
type FloorView struct {
	Persons      int `json:"persons"` // who are followed now
	Waiting      int `json:"waiting"` // sightings that are not judged yet
	Came         int `json:"came"`    // pictures of persons, readings and sightings
	LateFrames   int `json:"late_frames"`
	LateReadings int `json:"late_readings"`
	Refused      int `json:"refused"` // pictures of a time that has not come
}
