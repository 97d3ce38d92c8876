// Package edge decides what the program beside the cameras does: which camera
// is opened, given up or begun anew and when, by which settings, and what the
// server is told about it.
//
// The one idea: [Supervisor.Step] takes what happened and when, and returns
// what to do. It reads no clock, rolls no dice and starts nothing; package
// host does that. So a night of cables pulled and put back is a test of
// milliseconds.
//
// # Invariants
//
//   - A camera has at most one run that counts. What an older run still says
//     is not listened to.
//   - One camera's trouble changes nothing for another.
//   - Settings that cannot be followed are refused with a reason, and those
//     before stay in force.
//   - A report is whole, and is made only when something in it changed.
//
// The package does no input or output.
package edge
