package eventstore

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/persistent"
	features "github.com/EventStore/EventStore-Client-Go/v4/protos/serverfeatures"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"google.golang.org/grpc"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/eventstore/groups"
)

const groupsService = "event_store.client.persistent_subscriptions.persistentsubscriptions"

// groupService serves persistent subscriptions. Which there are, how far they
// are and what they have parked are events in system streams; a restart loses
// nothing but who was connected.
type groupService struct {
	persistent.UnimplementedPersistentSubscriptionsServer
	s *Server

	loaded chan struct{} // closed once the groups run

	mu      sync.Mutex // held while groups are made, changed, or ended
	base    context.Context
	runners map[groupKey]*runner
}

func newGroupService(s *Server) *groupService {
	return &groupService{s: s, loaded: make(chan struct{}), runners: map[groupKey]*runner{}}
}

func (g *groupService) register(r *grpc.Server) {
	persistent.RegisterPersistentSubscriptionsServer(r, g)
}

func (g *groupService) methods() []*features.SupportedMethod {
	var all []*features.SupportedMethod
	for _, name := range []string{"create", "update", "delete", "read", "getinfo", "replayparked", "list"} {
		all = append(all, method(groupsService, name, "stream", "all"))
	}
	return append(all, method(groupsService, "restartsubsystem"))
}

// run lets all groups run until ctx is done.
func (g *groupService) run(ctx context.Context) error {
	g.mu.Lock()
	g.base = ctx
	err := g.startAll(ctx)
	g.mu.Unlock()
	if err == nil {
		close(g.loaded)
		<-ctx.Done()
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.stopAll(errServerStops)
	return err
}

// startAll starts every group that there is. The caller holds mu.
func (g *groupService) startAll(ctx context.Context) error {
	all, err := g.s.loadGroups(ctx)
	if err != nil {
		return fmt.Errorf("persistent subscriptions: %w", err)
	}
	for key, cfg := range all {
		if g.runners[key], err = g.s.startRunner(ctx, cfg); err != nil {
			delete(g.runners, key)
			g.stopAll(errServerStops)
			return fmt.Errorf("persistent subscription %s: %w", key, err)
		}
	}
	return nil
}

// stopAll ends every group and waits for them. The caller holds mu.
func (g *groupService) stopAll(why error) {
	for _, r := range g.runners {
		r.stop(why)
	}
	for key, r := range g.runners {
		<-r.done
		delete(g.runners, key)
	}
}

// enter waits until the groups are there and takes the lock.
func (g *groupService) enter(ctx context.Context) error {
	select {
	case <-g.loaded:
	case <-ctx.Done():
		return ctx.Err()
	}
	g.mu.Lock()
	if err := g.base.Err(); err != nil {
		g.mu.Unlock()
		return err
	}
	return nil
}

// find returns a group that is running.
func (g *groupService) find(ctx context.Context, key groupKey) (*runner, error) {
	if err := g.enter(ctx); err != nil {
		return nil, err
	}
	defer g.mu.Unlock()
	return g.findLocked(key)
}

// findLocked is find for those who hold mu. A group that has ended because of
// an error is started again: somebody asks for it.
func (g *groupService) findLocked(key groupKey) (*runner, error) {
	r := g.runners[key]
	if r == nil {
		return nil, groupMissing(key)
	}
	select {
	case <-r.done:
	default:
		return r, nil
	}
	r, err := g.s.startRunner(g.base, r.cfg)
	if err == nil {
		g.runners[key] = r
	}
	return r, err
}

// managing refuses everybody who may not make, change or end groups.
func managing(u User) error {
	if u.ReadOnly || !u.in(GroupAdmins, GroupOps) {
		return accessDenied("")
	}
	return nil
}

// Create makes a group.
func (g *groupService) Create(ctx context.Context, req *persistent.CreateReq) (*persistent.CreateResp, error) {
	u := requester(ctx)
	if err := managing(u); err != nil {
		return nil, err
	}
	c, start, err := createOptions(req.GetOptions())
	if err != nil {
		return nil, groupFailed(c.key, err.Error())
	}
	if err := validGroup(c); err != nil {
		return nil, err
	}
	if err := g.enter(ctx); err != nil {
		return nil, err
	}
	defer g.mu.Unlock()
	ctx = context.WithoutCancel(ctx) // what was begun is done
	for key := range g.runners {
		// "a" on "b::c" and "c::a" on "b" would share their streams.
		if key.String() == c.key.String() {
			return nil, groupExists(c.key)
		}
	}
	if err := g.s.setStart(ctx, &c, start); err != nil {
		return nil, err
	}
	rec, err := g.s.writeGroup(ctx, kindGroupCreated, c, u.Name)
	if err != nil {
		return nil, err
	}
	c.created = rec.Position
	if g.runners[c.key], err = g.s.startRunner(g.base, c); err != nil {
		delete(g.runners, c.key)
		return nil, err
	}
	return &persistent.CreateResp{}, nil
}

// validGroup refuses names and settings that cannot be.
func validGroup(c groupConfig) error {
	if err := c.key.validate(); err != nil {
		return err
	}
	if err := c.settings.Validate(); err != nil {
		return groupFailed(c.key, err.Error())
	}
	return nil
}

// setStart turns the end, as of now, into a place: what comes after the creation
// of a group is for it, however late it first runs.
func (s *Server) setStart(ctx context.Context, c *groupConfig, at startOption) error {
	c.fromEnd, c.from = at.end, at.at
	if !at.end {
		return nil
	}
	if c.key.source == allStream {
		head, err := s.log.Head(ctx)
		c.from = head + 1
		return err
	}
	st, err := s.state(ctx, c.key.source)
	c.from = st.next
	return err
}

// Update changes the settings of a group and drops its consumers. Where it
// starts from is changed only if nothing of its source was looked at yet.
func (g *groupService) Update(ctx context.Context, req *persistent.UpdateReq) (*persistent.UpdateResp, error) {
	u := requester(ctx)
	if err := managing(u); err != nil {
		return nil, err
	}
	c, start := updateOptions(req.GetOptions())
	if err := validGroup(c); err != nil {
		return nil, err
	}
	if err := g.enter(ctx); err != nil {
		return nil, err
	}
	defer g.mu.Unlock()
	ctx = context.WithoutCancel(ctx) // what was begun is done
	r, err := g.findLocked(c.key)
	if err != nil {
		return nil, err
	}
	var old groupConfig
	var untouched bool
	if err := r.do(ctx, func(context.Context) error {
		old, untouched = r.cfg, r.group.Untouched()
		return nil
	}); err != nil {
		return nil, err
	}
	c.filter, c.created, c.fromEnd, c.from = old.filter, old.created, old.fromEnd, old.from
	if untouched {
		if err := g.s.setStart(ctx, &c, start); err != nil {
			return nil, err
		}
	}
	if _, err := g.s.writeGroup(ctx, kindGroupUpdated, c, u.Name); err != nil {
		return nil, err
	}
	if c.from != old.from {
		r.stop(groups.ErrUpdated)
		<-r.done
		if g.runners[c.key], err = g.s.startRunner(g.base, c); err != nil {
			delete(g.runners, c.key)
			return nil, err
		}
		return &persistent.UpdateResp{}, nil
	}
	return &persistent.UpdateResp{}, r.do(ctx, func(ctx context.Context) error {
		r.cfg = c
		r.heed(c.settings)
		return r.step(ctx, groups.Updated{Settings: c.settings})
	})
}

// Delete ends a group and hides its checkpoints and what it has parked.
func (g *groupService) Delete(ctx context.Context, req *persistent.DeleteReq) (*persistent.DeleteResp, error) {
	u := requester(ctx)
	if err := managing(u); err != nil {
		return nil, err
	}
	o := req.GetOptions()
	key := sourceKey(o)
	if err := g.enter(ctx); err != nil {
		return nil, err
	}
	defer g.mu.Unlock()
	ctx = context.WithoutCancel(ctx) // what was begun is done
	r, err := g.findLocked(key)
	if err != nil {
		return nil, err
	}
	r.stop(errGroupDeleted)
	<-r.done
	if _, err := g.s.writeGroup(ctx, kindGroupDeleted, r.cfg, u.Name); err != nil {
		return nil, err // it is still there, and starts again when it is asked for
	}
	delete(g.runners, key)
	for _, stream := range []ledger.StreamID{key.checkpoints(), key.parked()} {
		st, err := g.s.state(ctx, stream)
		if err == nil {
			err = g.s.cutBefore(ctx, stream, st.next)
		}
		if err != nil {
			return nil, err
		}
	}
	return &persistent.DeleteResp{}, nil
}

// ReplayParked has parked events pushed again, up to a revision of the parked
// stream or up to its end.
func (g *groupService) ReplayParked(
	ctx context.Context, req *persistent.ReplayParkedReq,
) (*persistent.ReplayParkedResp, error) {
	if err := managing(requester(ctx)); err != nil {
		return nil, err
	}
	o := req.GetOptions()
	key := sourceKey(o)
	r, err := g.find(ctx, key)
	if err != nil {
		return nil, err
	}
	last, err := g.s.last(ctx, key.parked())
	if err != nil {
		return nil, err
	}
	until := uint64(0)
	if last.Position > 0 {
		until = last.Revision + 1
	}
	if stop, ok := o.GetStopAtOption().(*persistent.ReplayParkedReq_Options_StopAt); ok {
		if stop.StopAt < 0 {
			return nil, invalid("stop_at %d: a revision of the parked stream is 0 or above", stop.StopAt)
		}
		until = min(until, uint64(stop.StopAt))
	}
	return &persistent.ReplayParkedResp{}, r.do(ctx, func(context.Context) error {
		r.until = max(r.until, until)
		return nil
	})
}

// RestartSubsystem ends all groups and starts them again from what is stored.
func (g *groupService) RestartSubsystem(ctx context.Context, _ *shared.Empty) (*shared.Empty, error) {
	if err := managing(requester(ctx)); err != nil {
		return nil, err
	}
	if err := g.enter(ctx); err != nil {
		return nil, err
	}
	defer g.mu.Unlock()
	g.stopAll(errRestart)
	return &shared.Empty{}, g.startAll(g.base)
}

// sortedKeys returns the groups that running has, in order.
func sortedKeys(running map[groupKey]*runner) []groupKey {
	var keys []groupKey
	for k := range running {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b groupKey) int { return strings.Compare(a.String(), b.String()) })
	return keys
}
