package esdb

import (
	"errors"
	"fmt"
	"strconv"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// A wire turns bytes into messages as gRPC does, and refuses those at which the
// client ends the process: in a goroutine of its own, or by a call that nothing
// catches, so that no guard of ours is around it. To the client a message that is
// refused is an error of the call.
type wire struct{ encoding.CodecV2 }

// init puts the wire in the place of gRPC's own, which can be done only before main
// and is done for the whole process: nobody else reads these two messages.
func init() {
	encoding.RegisterCodecV2(wire{encoding.GetCodecV2(proto.Name)})
}

const (
	readMessage   protoreflect.FullName = "event_store.client.streams.ReadResp"
	gossipMessage protoreflect.FullName = "event_store.client.gossip.ClusterInfo"
)

// Unmarshal implements [encoding.CodecV2].
func (w wire) Unmarshal(data mem.BufferSlice, v any) error {
	if err := w.CodecV2.Unmarshal(data, v); err != nil {
		return err
	}
	message, ok := v.(protoreflect.ProtoMessage)
	if !ok {
		return nil
	}
	m := message.ProtoReflect()
	switch m.Descriptor().FullName() {
	case readMessage:
		return checkEvent(m)
	case gossipMessage:
		return checkMembers(m)
	}
	return nil
}

// part returns a message within m; nil if it is not there.
func part(m protoreflect.Message, name protoreflect.Name) protoreflect.Message {
	if f := m.Descriptor().Fields().ByName(name); f != nil && m.Has(f) {
		return m.Get(f).Message()
	}
	return nil
}

// checkEvent refuses an event without a time of creation, at which the client calls
// log.Fatalf.
func checkEvent(m protoreflect.Message) error {
	read := part(m, "event")
	if read == nil {
		return nil
	}
	for _, name := range []protoreflect.Name{"event", "link"} {
		e := part(read, name)
		if e == nil {
			continue
		}
		created := e.Get(e.Descriptor().Fields().ByName("metadata")).Map().Get(protoreflect.ValueOfString("created").MapKey())
		if !created.IsValid() {
			return errors.New("an event without a time of creation")
		}
		if _, err := strconv.ParseInt(created.String(), 10, 64); err != nil {
			return fmt.Errorf("an event with the time of creation %q", created.String())
		}
	}
	return nil
}

// checkMembers refuses a node that cannot be dialled at all, at which the client
// closes a connection that it does not have.
func checkMembers(m protoreflect.Message) error {
	members := m.Get(m.Descriptor().Fields().ByName("members")).List()
	for i := range members.Len() {
		end := part(members.Get(i).Message(), "http_end_point")
		if end == nil {
			continue
		}
		fields := end.Descriptor().Fields()
		node := fmt.Sprintf("%s:%d", end.Get(fields.ByName("address")).String(), end.Get(fields.ByName("port")).Uint())
		conn, err := grpc.NewClient(node, grpc.WithTransportCredentials(insecure.NewCredentials())) // it dials nobody yet
		if err != nil {
			return fmt.Errorf("gossip names the node %s: %w", node, err)
		}
		if err := conn.Close(); err != nil {
			return fmt.Errorf("gossip names the node %s: %w", node, err)
		}
	}
	return nil
}
