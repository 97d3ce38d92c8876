//lint:file-ignore SA1019 the fields that npm's client 6.2.1 sends, which has no other.

package eventstore_test

import (
	"context"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/persistent"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/vouchledger/vouch/ledger/eventstore"
	"github.com/vouchledger/vouch/ledger/memlog"
)

// TestGroupRefusals checks status, text and trailers of every refusal: clients
// turn them into types, and their own tests compare the texts.
func TestGroupRefusals(t *testing.T) {
	s := openTill(t)
	s.create("kitchen", nil)
	raw := persistent.NewPersistentSubscriptionsClient(s.raw())
	stream := &shared.StreamIdentifier{StreamName: []byte("till-4")}
	for _, tt := range []struct {
		name      string
		call      func(context.Context, ...grpc.CallOption) error
		code      codes.Code
		exception string
		text      string
	}{
		{"the info of a group that is not there", func(ctx context.Context, o ...grpc.CallOption) error {
			_, err := raw.GetInfo(ctx, &persistent.GetInfoReq{Options: &persistent.GetInfoReq_Options{
				StreamOption: &persistent.GetInfoReq_Options_StreamIdentifier{StreamIdentifier: stream}, GroupName: "bar",
			}}, o...)
			return err
		}, codes.NotFound, "persistent-subscription-does-not-exist", "Subscription group bar on stream till-4 does not exist."},
		{"the list of a stream without groups", func(ctx context.Context, o ...grpc.CallOption) error {
			_, err := raw.List(ctx, &persistent.ListReq{Options: &persistent.ListReq_Options{
				ListOption: &persistent.ListReq_Options_ListForStream{ListForStream: &persistent.ListReq_StreamOption{
					StreamOption: &persistent.ListReq_StreamOption_All{All: &shared.Empty{}},
				}},
			}}, o...)
			return err
		}, codes.NotFound, "persistent-subscription-does-not-exist", "Subscription group  on stream $all does not exist."},
		{"a group that is there already", func(ctx context.Context, o ...grpc.CallOption) error {
			_, err := raw.Create(ctx, &persistent.CreateReq{Options: &persistent.CreateReq_Options{
				StreamIdentifier: stream, GroupName: "kitchen",
			}}, o...)
			return err
		}, codes.AlreadyExists, "persistent-subscription-exists", "Subscription group kitchen on stream till-4 exists."},
		{"a group that would share the streams of another", func(ctx context.Context, o ...grpc.CallOption) error {
			_, err := raw.Create(ctx, &persistent.CreateReq{Options: &persistent.CreateReq_Options{
				StreamIdentifier: &shared.StreamIdentifier{StreamName: []byte("till-4::old")}, GroupName: "kitchen",
			}}, o...)
			if err != nil {
				return err
			}
			_, err = raw.Create(ctx, &persistent.CreateReq{Options: &persistent.CreateReq_Options{
				StreamIdentifier: stream, GroupName: "old::kitchen",
			}}, o...)
			return err
		}, codes.AlreadyExists, "persistent-subscription-exists", "Subscription group old::kitchen on stream till-4 exists."},
		{"an update of a group that is not there", func(ctx context.Context, o ...grpc.CallOption) error {
			_, err := raw.Update(ctx, &persistent.UpdateReq{Options: &persistent.UpdateReq_Options{
				StreamIdentifier: stream, GroupName: "bar",
			}}, o...)
			return err
		}, codes.NotFound, "persistent-subscription-does-not-exist", "Subscription group bar on stream till-4 does not exist."},
		{"settings under which nothing moves", func(ctx context.Context, o ...grpc.CallOption) error {
			_, err := raw.Create(ctx, &persistent.CreateReq{Options: &persistent.CreateReq_Options{
				StreamIdentifier: stream, GroupName: "bar", Settings: &persistent.CreateReq_Settings{ConsumerStrategy: "Shuffle"},
			}}, o...)
			return err
		}, codes.Internal, "persistent-subscription-failed", "Subscription group bar on stream till-4 failed: '"},
		{"a group without a name", func(ctx context.Context, o ...grpc.CallOption) error {
			_, err := raw.Create(ctx, &persistent.CreateReq{Options: &persistent.CreateReq_Options{StreamIdentifier: stream}}, o...)
			return err
		}, codes.InvalidArgument, "", "needs a group name"},
		{"a consumer without room", func(ctx context.Context, o ...grpc.CallOption) error {
			sub, err := raw.Read(ctx, o...)
			if err != nil {
				return err
			}
			err = sub.Send(&persistent.ReadReq{Content: &persistent.ReadReq_Options_{Options: &persistent.ReadReq_Options{
				StreamOption: &persistent.ReadReq_Options_StreamIdentifier{StreamIdentifier: stream}, GroupName: "kitchen",
			}}})
			if err != nil {
				return err
			}
			_, err = sub.Recv()
			return err
		}, codes.InvalidArgument, "", "buffer size 0"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var trailer metadata.MD
			err := tt.call(t.Context(), grpc.Trailer(&trailer))
			if st, _ := status.FromError(err); st.Code() != tt.code || !strings.Contains(st.Message(), tt.text) {
				t.Errorf("got %v, want %v: %s", err, tt.code, tt.text)
			}
			if got := strings.Join(trailer.Get("exception"), ","); got != tt.exception {
				t.Errorf("exception trailer = %q, want %q", got, tt.exception)
			}
			if tt.exception != "" && (len(trailer.Get("stream-name")) != 1 || len(trailer.Get("group-name")) != 1) {
				t.Errorf("trailers = %v, want stream-name and group-name", trailer)
			}
		})
	}
}

// TestGroupRoles checks who may do what with groups: administrators and
// operators make and change them, whoever has signed in sees them, and who may
// read a stream may consume it, unless it is one who changes nothing.
func TestGroupRoles(t *testing.T) {
	cert := newCertificate(t)
	address := serve(t, memlog.New(time.Now), eventstore.Config{
		Now: time.Now, TLS: cert.config, Authenticate: staff,
	})
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(credentials.NewTLS(cert.client)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	g := persistent.NewPersistentSubscriptionsClient(conn)
	stream := &shared.StreamIdentifier{StreamName: []byte("till-4")}
	for _, name := range []string{"kitchen", "gone"} {
		if _, err := g.Create(as(t, "admin"), &persistent.CreateReq{
			Options: &persistent.CreateReq_Options{StreamIdentifier: stream, GroupName: name},
		}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := g.Create(as(t, "ops"), &persistent.CreateReq{Options: &persistent.CreateReq_Options{
		StreamOption: &persistent.CreateReq_Options_All{All: &persistent.CreateReq_AllOptions{}}, GroupName: "all",
	}}); err != nil {
		t.Fatal(err)
	}
	consume := func(ctx context.Context, o *persistent.ReadReq_Options) error {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		sub, err := g.Read(ctx)
		if err != nil {
			return err
		}
		o.BufferSize = 1
		if err := sub.Send(&persistent.ReadReq{Content: &persistent.ReadReq_Options_{Options: o}}); err != nil {
			return err
		}
		_, err = sub.Recv()
		return err
	}
	for _, tt := range []struct {
		what string
		call func(context.Context) error
		may  string
	}{
		{"change a group", func(ctx context.Context) error {
			_, err := g.Update(ctx, &persistent.UpdateReq{Options: &persistent.UpdateReq_Options{StreamIdentifier: stream, GroupName: "kitchen"}})
			return err
		}, "admin ops"},
		{"replay what is parked", func(ctx context.Context) error {
			_, err := g.ReplayParked(ctx, &persistent.ReplayParkedReq{Options: &persistent.ReplayParkedReq_Options{
				StreamOption: &persistent.ReplayParkedReq_Options_StreamIdentifier{StreamIdentifier: stream}, GroupName: "kitchen",
			}})
			return err
		}, "admin ops"},
		{"restart the subsystem", func(ctx context.Context) error {
			_, err := g.RestartSubsystem(ctx, &shared.Empty{})
			return err
		}, "admin ops"},
		{"see a group", func(ctx context.Context) error {
			_, err := g.GetInfo(ctx, &persistent.GetInfoReq{Options: &persistent.GetInfoReq_Options{
				StreamOption: &persistent.GetInfoReq_Options_StreamIdentifier{StreamIdentifier: stream}, GroupName: "kitchen",
			}})
			return err
		}, "admin ops auditor till"},
		{"list groups", func(ctx context.Context) error {
			_, err := g.List(ctx, &persistent.ListReq{Options: &persistent.ListReq_Options{
				ListOption: &persistent.ListReq_Options_ListAllSubscriptions{ListAllSubscriptions: &shared.Empty{}},
			}})
			return err
		}, "admin ops auditor till"},
		{"consume a stream", func(ctx context.Context) error {
			return consume(ctx, &persistent.ReadReq_Options{
				StreamOption: &persistent.ReadReq_Options_StreamIdentifier{StreamIdentifier: stream}, GroupName: "kitchen",
			})
		}, "admin ops till"},
		{"consume $all", func(ctx context.Context) error {
			return consume(ctx, &persistent.ReadReq_Options{
				StreamOption: &persistent.ReadReq_Options_All{All: &shared.Empty{}}, GroupName: "all",
			})
		}, "admin"},
		{"delete a group", func(ctx context.Context) error {
			_, err := g.Delete(ctx, &persistent.DeleteReq{Options: &persistent.DeleteReq_Options{
				StreamOption: &persistent.DeleteReq_Options_StreamIdentifier{StreamIdentifier: stream}, GroupName: "gone",
			}})
			return err
		}, "admin"}, // the second who may finds it gone
	} {
		for _, who := range []string{"nobody", "till", "auditor", "admin"} {
			want := codes.PermissionDenied
			if strings.Contains(tt.may, who) {
				want = codes.OK
			}
			if err := tt.call(as(t, who)); status.Code(err) != want {
				t.Errorf("%s may %s: %v, want %v", who, tt.what, err, want)
			}
		}
		if strings.Contains(tt.may, "ops") {
			if err := tt.call(as(t, "ops")); err != nil {
				t.Errorf("ops may %s: %v, want nil", tt.what, err)
			}
		}
	}
	if _, err := g.List(as(t, "stranger"), &persistent.ListReq{}); status.Code(err) != codes.Unauthenticated {
		t.Errorf("stranger: %v, want Unauthenticated", err)
	}
}

// staff is who works here. Everybody's password is changeit.
func staff(_ context.Context, name, password string) (eventstore.User, error) {
	users := map[string]eventstore.User{
		"admin":   {Name: "admin", Groups: []string{eventstore.GroupAdmins}},
		"ops":     {Name: "ops", Groups: []string{eventstore.GroupOps}},
		"till":    {Name: "till"},
		"auditor": {Name: "auditor", ReadAll: true, ReadOnly: true},
	}
	u, ok := users[name]
	if !ok || password != "changeit" {
		return eventstore.User{}, errors.New("nobody of that name and password")
	}
	return u, nil
}

// as returns a context that signs in; nobody does not.
func as(t *testing.T, who string) context.Context {
	if who == "nobody" {
		return t.Context()
	}
	basic := base64.StdEncoding.EncodeToString([]byte(who + ":changeit"))
	return metadata.AppendToOutgoingContext(t.Context(), "authorization", "Basic "+basic)
}
