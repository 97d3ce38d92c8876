package groups

import (
	"cmp"
	"encoding/json"
	"hash/fnv"
	"slices"
	"time"

	"github.com/vouchledger/vouch/ledger"
)

// A consumer is one connection that takes events.
type consumer struct {
	id               ConsumerID
	slots            int
	held             map[ledger.ID]*item // pushed and not answered
	name, user, from string
	measure          measure
	latencies        latencies
}

func (g *Group) find(id ConsumerID) *consumer {
	for _, c := range g.consumers {
		if c.id == id {
			return c
		}
	}
	return nil
}

func (g *Group) join(now time.Time, in Joined) {
	if most := g.settings.MaxSubscriberCount; most > 0 && len(g.consumers) >= most {
		g.out = append(g.out, Drop{Consumer: in.Consumer, Why: ErrFull})
		return
	}
	c := &consumer{
		id: in.Consumer, slots: max(1, in.Slots), held: map[ledger.ID]*item{},
		name: in.Name, user: in.User, from: in.From, measure: measure{since: now},
	}
	g.consumers = append(g.consumers, c)
	g.free += c.slots
}

// leave takes a consumer out and returns what it held to the others.
func (g *Group) leave(id ConsumerID) {
	c := g.remove(id)
	if c == nil {
		return
	}
	for _, it := range bySeq(c.held) {
		g.fail(it, "the consumer left")
	}
}

// remove takes a consumer out of the list. Its items still name it as holder
// until they are pushed again or parked.
func (g *Group) remove(id ConsumerID) *consumer {
	at := slices.IndexFunc(g.consumers, func(c *consumer) bool { return c.id == id })
	if at < 0 {
		return nil
	}
	c := g.consumers[at]
	g.consumers = slices.Delete(g.consumers, at, at+1)
	if g.turn > at {
		g.turn--
	}
	g.free -= c.slots - len(c.held)
	return c
}

// dropAll sends everybody away. It is not the consumers' fault, so it does not
// count as a retry.
func (g *Group) dropAll(why error) {
	for len(g.consumers) > 0 {
		c := g.remove(g.consumers[0].id)
		for _, it := range bySeq(c.held) {
			g.again(it)
		}
		g.out = append(g.out, Drop{Consumer: c.id, Why: why})
	}
}

func bySeq(held map[ledger.ID]*item) []*item {
	items := make([]*item, 0, len(held))
	for _, it := range held {
		items = append(items, it)
	}
	slices.SortFunc(items, func(a, b *item) int { return cmp.Compare(a.seq, b.seq) })
	return items
}

// takeBack frees the slot that an item in flight takes.
func (g *Group) takeBack(it *item) {
	delete(it.holder.held, it.Record.ID)
	g.free++
}

// answered returns the item with this id if c is the one who may answer for
// it: it has it, or it was the last who had it. A late answer counts, because
// the work was done.
func (g *Group) answered(c *consumer, id ledger.ID) *item {
	it := g.items[id]
	if it == nil || it.holder != c {
		return nil
	}
	switch it.state {
	case flying:
		g.takeBack(it)
		return it
	case retrying:
		g.retries = slices.DeleteFunc(g.retries, func(o *item) bool { return o == it })
		return it
	case waiting, parking, finished:
		return nil
	default:
		panic("groups: an item is nowhere")
	}
}

func (g *Group) ack(now time.Time, in Acked) {
	c := g.find(in.Consumer)
	if c == nil {
		return
	}
	for _, id := range in.IDs {
		it := g.answered(c, id)
		if it == nil {
			continue
		}
		if g.settings.ExtraStatistics {
			c.latencies.add(now.Sub(it.sent))
		}
		g.finish(it)
	}
}

func (g *Group) nack(now time.Time, in Nacked) {
	c := g.find(in.Consumer)
	if c == nil {
		return
	}
	for _, id := range in.IDs {
		it := g.answered(c, id)
		if it == nil {
			continue
		}
		switch in.Action {
		case Skip:
			g.finish(it)
		case ParkIt:
			g.park(it, in.Reason)
		case Unknown, Retry, StopGroup:
			g.fail(it, in.Reason)
		default:
			g.fail(it, in.Reason) // a newer client; it could not handle the event, that much is sure
		}
	}
	if in.Action == StopGroup {
		g.leave(c.id)
		g.out = append(g.out, Drop{Consumer: c.id, Why: ErrStopped})
	}
}

// dispatch pushes as much as the consumers have room for.
func (g *Group) dispatch(now time.Time) {
	g.retries = g.drain(now, g.retries)
	g.replays = g.drain(now, g.replays)
	g.fresh = g.drain(now, g.fresh)
}

// drain pushes what it can of a queue and returns the rest.
func (g *Group) drain(now time.Time, queue []*item) []*item {
	if !g.settings.Strategy.pins() {
		for len(queue) > 0 && g.free > 0 {
			g.push(now, g.nextConsumer(), queue[0])
			queue[0] = nil
			queue = queue[1:]
		}
		return queue
	}
	var kept []*item
	for i, it := range queue {
		if g.free == 0 {
			if i == 0 {
				return queue
			}
			return append(kept, queue[i:]...)
		}
		if c := g.pinned(it); len(c.held) < c.slots {
			g.push(now, c, it)
		} else {
			kept = append(kept, it)
		}
	}
	return kept
}

// nextConsumer returns the one whose turn it is, of those with room. There is
// one: free is above zero.
func (g *Group) nextConsumer() *consumer {
	for range g.consumers {
		g.turn %= len(g.consumers)
		c := g.consumers[g.turn]
		if len(c.held) < c.slots {
			if g.settings.Strategy == RoundRobin {
				g.turn++
			}
			return c
		}
		g.turn++
	}
	panic("groups: free slots, but no consumer has one")
}

// pinned returns the consumer for an item's pin. Each consumer's weight for the
// pin is a hash of both and the heaviest wins, so when somebody joins or leaves
// only the pins of that consumer move.
func (g *Group) pinned(it *item) *consumer {
	key := pin(g.settings.Strategy, it.Event)
	var best *consumer
	var weight uint64
	for _, c := range g.consumers {
		h := fnv.New64a()
		h.Write([]byte(key)) //nolint:gosec // a hash takes all
		var id [8]byte
		for i := range id {
			id[i] = byte(c.id >> (8 * i))
		}
		h.Write(id[:]) //nolint:gosec // a hash takes all
		if w := mix(h.Sum64()); best == nil || w > weight {
			best, weight = c, w
		}
	}
	return best
}

// mix spreads the last bytes that went into an FNV hash over all its bits
// (the finaliser of MurmurHash3).
func mix(h uint64) uint64 {
	h ^= h >> 33
	h *= 0xff51afd7ed558ccd
	h ^= h >> 33
	h *= 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}

// pin is what keeps an event with one consumer.
func pin(s Strategy, e Event) string {
	subject := e.Subject()
	if s == PinnedByCorrelation {
		var m struct {
			Correlation string `json:"$correlationId"`
		}
		if json.Unmarshal(subject.Metadata, &m) == nil && m.Correlation != "" {
			return m.Correlation
		}
	}
	return string(subject.Stream)
}

func (g *Group) push(now time.Time, c *consumer, it *item) {
	it.state, it.holder, it.sent = flying, c, now
	it.attempt++
	c.held[it.Record.ID] = it
	g.free--
	c.measure.total++
	g.measure.total++
	if t := g.settings.MessageTimeout; t > 0 {
		g.deadlines = append(g.deadlines, deadline{it, it.attempt, now.Add(t)})
	}
	g.out = append(g.out, Push{Consumer: c.id, Event: it.Event, Retries: it.retries})
}
