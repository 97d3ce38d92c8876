package eventstore

import (
	"context"
	"encoding/base64"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"

	"github.com/vouchledger/vouch/ledger"
)

// The groups that EventStoreDB gives a meaning to, and the role that everybody
// who has signed in holds.
const (
	GroupAdmins = "$admins" // may do everything
	GroupOps    = "$ops"    // may manage subscriptions
	roleAll     = "$all"
)

// A User is who makes a call.
type User struct {
	Name     string
	Groups   []string
	ReadAll  bool // reads every stream, whatever its access list says
	ReadOnly bool // changes nothing, whatever an access list says
}

// in reports whether the user belongs to one of these groups.
func (u User) in(groups ...string) bool {
	return slices.ContainsFunc(groups, func(g string) bool { return slices.Contains(u.Groups, g) })
}

// known reports whether the user has signed in.
func (u User) known() bool { return u.Name != "" }

type signedKey struct{}

// A signature is somebody who has signed in. A call may last for months, and
// its key be revoked meanwhile.
type signature struct {
	user User
	name string // as it was signed in with; empty when nobody is asked
	pass string

	mu      sync.Mutex
	checked time.Time
}

// trusted is how long a signature is believed before it is checked again.
const trusted = time.Minute

// requester returns who makes the call; the zero User is nobody.
func requester(ctx context.Context) User {
	if g, ok := ctx.Value(signedKey{}).(*signature); ok {
		return g.user
	}
	return User{}
}

// stillIn refuses to go on with a long call whose caller may not sign in any
// more. It asks once a minute.
func (s *Server) stillIn(ctx context.Context) error {
	g, ok := ctx.Value(signedKey{}).(*signature)
	if !ok || g.name == "" {
		return nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	now := s.now()
	if now.Sub(g.checked) < trusted {
		return nil
	}
	if _, err := s.cfg.Authenticate(ctx, g.name, g.pass); err != nil {
		return refuse(codes.Unauthenticated, "", "Unauthenticated")
	}
	g.checked = now
	return nil
}

// open are the calls that every client makes without credentials, even one that
// has some.
var open = []string{
	"/event_store.client.server_features.ServerFeatures/GetSupportedMethods",
	"/event_store.client.gossip.Gossip/Read",
}

// unary signs the caller in and turns errors into answers.
func (s *Server) unary(
	ctx context.Context, req any, info *grpc.UnaryServerInfo, handle grpc.UnaryHandler,
) (any, error) {
	in, err := s.signIn(ctx, info.FullMethod)
	if err != nil {
		return nil, s.answer(ctx, info.FullMethod, err)
	}
	resp, err := handle(in, req)
	if err != nil {
		return nil, s.answer(ctx, info.FullMethod, err)
	}
	return resp, nil
}

// stream is unary for streaming calls.
func (s *Server) stream(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, handle grpc.StreamHandler) error {
	ctx, err := s.signIn(ss.Context(), info.FullMethod)
	switch {
	case err == nil:
		err = handle(srv, signedIn{ss, ctx})
	case info.IsClientStream && !info.IsServerStream:
		drain(ss, maxStrange)
	}
	return s.answer(ss.Context(), info.FullMethod, err)
}

// maxStrange bounds what is read of an append by somebody who did not sign in.
const maxStrange = 4 << 20

// drain reads what a refused client is still sending, up to so many bytes: the
// client would otherwise see a broken call instead of the reason.
func drain(ss grpc.ServerStream, limit int) {
	for n := 0; n <= limit; {
		var m streams.AppendReq
		if ss.RecvMsg(&m) != nil {
			return
		}
		n += 1 + proto.Size(&m)
	}
}

// signedIn is a stream whose context knows the caller.
type signedIn struct {
	grpc.ServerStream
	ctx context.Context
}

// Context returns the context with the caller in it.
func (s signedIn) Context() context.Context { return s.ctx }

// signIn reads the authorization header.
func (s *Server) signIn(ctx context.Context, method string) (context.Context, error) {
	if slices.Contains(open, method) {
		return ctx, nil
	}
	if s.cfg.Insecure {
		admin := User{Name: "admin", Groups: []string{GroupAdmins, GroupOps}}
		return context.WithValue(ctx, signedKey{}, &signature{user: admin}), nil
	}
	md, _ := metadata.FromIncomingContext(ctx)
	header := md.Get("authorization")
	if len(header) == 0 {
		return ctx, nil
	}
	name, password, ok := basic(header[0])
	if !ok || s.cfg.Authenticate == nil {
		return nil, refuse(codes.Unauthenticated, "", "Unauthenticated")
	}
	u, err := s.cfg.Authenticate(ctx, name, password)
	if err != nil || !u.known() || strings.HasPrefix(u.Name, "$") { // "$admins" is a group, nobody's name
		return nil, refuse(codes.Unauthenticated, "", "Unauthenticated") // why is nobody's business
	}
	return context.WithValue(ctx, signedKey{}, &signature{user: u, name: name, pass: password, checked: s.now()}), nil
}

// basic reads a header of RFC 7617.
func basic(header string) (name, password string, ok bool) {
	scheme, rest, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "basic") {
		return "", "", false
	}
	b, err := base64.StdEncoding.DecodeString(strings.TrimSpace(rest))
	if err != nil {
		return "", "", false
	}
	name, password, ok = strings.Cut(string(b), ":")
	return name, password, ok && name != ""
}

// An action is what an access list speaks of.
type action int

const (
	read action = iota
	write
	remove
	metaRead
	metaWrite
)

// onMetadata returns what doing this with "$$x" does to x.
func (a action) onMetadata() action {
	if a == read || a == metaRead {
		return metaRead
	}
	return metaWrite
}

// allStream is the name under which access to $all is granted.
const allStream ledger.StreamID = "$all"

// settingsStream holds the access lists of streams without one.
const settingsStream ledger.StreamID = "$settings"

// allowed returns nil if u may do this with stream, else an access-denied
// refusal. Reading and writing "$$x" is a matter of x's list.
func (s *Server) allowed(ctx context.Context, u User, stream ledger.StreamID, do action) error {
	switch {
	case !u.known():
		return accessDenied("")
	case u.ReadOnly && do != read && do != metaRead:
		return accessDenied("")
	case u.in(GroupAdmins), u.ReadAll && (do == read || do == metaRead):
		return nil
	}
	if isMeta(stream) {
		stream, do = original(stream), do.onMetadata()
	}
	roles, err := s.roles(ctx, stream, do)
	if err != nil {
		return err
	}
	for _, r := range roles {
		if r == roleAll || r == u.Name || u.in(r) {
			return nil
		}
	}
	return accessDenied("")
}

// roles returns who may do this: by the stream's list, by $settings, or by
// default, which is everybody for foreign streams and administrators for system
// streams, $all and the streams that money depends on.
func (s *Server) roles(ctx context.Context, stream ledger.StreamID, do action) ([]string, error) {
	m, err := s.metadataOf(ctx, stream)
	if err != nil {
		return nil, err
	}
	if roles := m.acl.roles(do); roles != nil {
		return roles, nil
	}
	closed := strings.HasPrefix(string(stream), "$") || stream.Own()
	r, err := s.last(ctx, settingsStream)
	if err != nil {
		return nil, err
	}
	if roles := parseSettings(r.Body).list(closed).roles(do); roles != nil && !stream.Own() {
		return roles, nil
	}
	if closed {
		return []string{GroupAdmins}, nil
	}
	return []string{roleAll}, nil
}
