package shelf

const (
	// glances is how many looks in a row may be glances: a hand that comes is
	// seen a fifth of a second later at most.
	glances = 2
	// glanceStep is the distance, in bytes, of the values a glance compares;
	// that it is no multiple of three makes it see all colours.
	glanceStep = 31
	// glanceLimit is the difference of a value that is no noise, glanceMost how
	// many values may differ by more: a hand covers fifty.
	glanceLimit = 10
	glanceMost  = 3
)

// glance spares the whole look where nobody is there and the picture is as it
// was at the last whole look. It reports whether that was so.
func (m *Monitor) glance(frame int, bgr []byte) bool {
	if m.glanced >= glances || m.last == nil || !m.idle() || !m.same(bgr) {
		m.glanced = 0
		m.keep(bgr)
		return false
	}
	m.glanced++
	m.steps++
	m.frame = frame
	for _, s := range m.slots {
		s.quiet = frame
		s.calm++
		for _, c := range s.cells {
			c.trace.again(frame)
		}
	}
	return true
}

// idle reports whether all slots looked like their reference and nothing is
// due that needs the picture.
func (m *Monitor) idle() bool {
	if (m.steps+1)%m.seconds(blocksEvery) == 0 {
		return false
	}
	for _, s := range m.slots {
		if s.calm == 0 || s.unseen || (s.calm+1)%m.seconds(followSeconds) == 0 {
			return false
		}
	}
	return true
}

// same compares the picture with the last one that was looked at.
func (m *Monitor) same(bgr []byte) bool {
	found := 0
	for i, was := range m.last {
		if at := i * glanceStep; abs(int(bgr[at])-int(was)) > glanceLimit {
			if found++; found > glanceMost {
				return false
			}
		}
	}
	return true
}

// keep remembers the picture for glances.
func (m *Monitor) keep(bgr []byte) {
	m.last = m.last[:0]
	for i := 0; i < len(bgr); i += glanceStep {
		m.last = append(m.last, bgr[i])
	}
}
