package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"
)

const capacityDefault = 1 << 30

type volume struct {
	bytes    int64
	readonly map[string]bool // by the node that it is attached to
}

// What the cluster's side of the driver knows, for as long as the process lives.
type controller struct {
	csi.UnimplementedControllerServer
	mutex     sync.Mutex
	volumes   map[string]*volume
	snapshots map[string]*csi.Snapshot
}

func missing(what string) error { return status.Error(codes.InvalidArgument, what+" is missing") }

func (c *controller) ControllerGetCapabilities(context.Context, *csi.ControllerGetCapabilitiesRequest) (*csi.ControllerGetCapabilitiesResponse, error) {
	out := &csi.ControllerGetCapabilitiesResponse{}
	for _, t := range []csi.ControllerServiceCapability_RPC_Type{
		csi.ControllerServiceCapability_RPC_CREATE_DELETE_VOLUME, csi.ControllerServiceCapability_RPC_PUBLISH_UNPUBLISH_VOLUME,
		csi.ControllerServiceCapability_RPC_PUBLISH_READONLY, csi.ControllerServiceCapability_RPC_EXPAND_VOLUME,
		csi.ControllerServiceCapability_RPC_CREATE_DELETE_SNAPSHOT, csi.ControllerServiceCapability_RPC_CLONE_VOLUME} {
		out.Capabilities = append(out.Capabilities, &csi.ControllerServiceCapability{
			Type: &csi.ControllerServiceCapability_Rpc{Rpc: &csi.ControllerServiceCapability_RPC{Type: t}}})
	}
	return out, nil
}

func (c *controller) CreateVolume(_ context.Context, r *csi.CreateVolumeRequest) (*csi.CreateVolumeResponse, error) {
	if r.Name == "" {
		return nil, missing("the name")
	}
	if len(r.VolumeCapabilities) == 0 {
		return nil, missing("a capability")
	}
	hash := sha256.Sum256([]byte(r.Name))
	id := "vol-" + hex.EncodeToString(hash[:8])
	low, high := r.GetCapacityRange().GetRequiredBytes(), r.GetCapacityRange().GetLimitBytes()
	c.mutex.Lock()
	defer c.mutex.Unlock()
	it := c.volumes[id]
	if it == nil {
		it = &volume{bytes: capacityDefault, readonly: map[string]bool{}}
		if low > 0 {
			it.bytes = low
		}
		c.volumes[id] = it
	}
	if it.bytes < low || (high > 0 && it.bytes > high) {
		return nil, status.Error(codes.AlreadyExists, "a volume of this name has another size")
	}
	if _, err := folder(id); err != nil {
		return nil, err
	}
	if err := c.fill(id, r.VolumeContentSource); err != nil {
		return nil, err
	}
	out := &csi.Volume{VolumeId: id, CapacityBytes: it.bytes, VolumeContext: r.Parameters, ContentSource: r.VolumeContentSource}
	return &csi.CreateVolumeResponse{Volume: out}, nil
}

// The content of a new volume, of another or of a snapshot. The lock is held.
func (c *controller) fill(id string, source *csi.VolumeContentSource) error {
	from := source.GetVolume().GetVolumeId()
	if from != "" && c.volumes[from] == nil {
		return status.Error(codes.NotFound, "no such volume to clone")
	}
	if snapshot := source.GetSnapshot().GetSnapshotId(); snapshot != "" {
		if c.snapshots[snapshot] == nil {
			return status.Error(codes.NotFound, "no such snapshot")
		}
		from = snapshot
	}
	if from == "" {
		return nil
	}
	return copyFolder(from, id)
}

func copyFolder(from, to string) error {
	target, err := folder(to)
	if err != nil {
		return err
	}
	if err := os.CopyFS(target, os.DirFS(filepath.Join(*data, from))); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

func (c *controller) CreateSnapshot(_ context.Context, r *csi.CreateSnapshotRequest) (*csi.CreateSnapshotResponse, error) {
	switch {
	case r.Name == "":
		return nil, missing("the name")
	case r.SourceVolumeId == "":
		return nil, missing("the source")
	}
	hash := sha256.Sum256([]byte(r.Name))
	id := "snap-" + hex.EncodeToString(hash[:8])
	c.mutex.Lock()
	defer c.mutex.Unlock()
	it := c.snapshots[id]
	if it != nil && it.SourceVolumeId != r.SourceVolumeId {
		return nil, status.Error(codes.AlreadyExists, "a snapshot of this name is of another volume")
	}
	if it == nil {
		source := c.volumes[r.SourceVolumeId]
		if source == nil {
			return nil, status.Error(codes.NotFound, "no such volume")
		}
		if err := copyFolder(r.SourceVolumeId, id); err != nil {
			return nil, err
		}
		it = &csi.Snapshot{SnapshotId: id, SourceVolumeId: r.SourceVolumeId, SizeBytes: source.bytes, CreationTime: timestamppb.Now(), ReadyToUse: true}
		c.snapshots[id] = it
	}
	return &csi.CreateSnapshotResponse{Snapshot: it}, nil
}

func (c *controller) DeleteSnapshot(_ context.Context, r *csi.DeleteSnapshotRequest) (*csi.DeleteSnapshotResponse, error) {
	if r.SnapshotId == "" {
		return nil, missing("the snapshot's id")
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.snapshots[r.SnapshotId] == nil {
		return &csi.DeleteSnapshotResponse{}, nil
	}
	delete(c.snapshots, r.SnapshotId)
	return &csi.DeleteSnapshotResponse{}, os.RemoveAll(filepath.Join(*data, r.SnapshotId))
}

func (c *controller) DeleteVolume(_ context.Context, r *csi.DeleteVolumeRequest) (*csi.DeleteVolumeResponse, error) {
	if r.VolumeId == "" {
		return nil, missing("the volume's id")
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	it := c.volumes[r.VolumeId]
	if it == nil {
		return &csi.DeleteVolumeResponse{}, nil
	}
	if len(it.readonly) > 0 {
		return nil, status.Error(codes.FailedPrecondition, "the volume is attached")
	}
	path, err := folder(r.VolumeId)
	if err == nil {
		err = os.RemoveAll(path)
	}
	delete(c.volumes, r.VolumeId)
	return &csi.DeleteVolumeResponse{}, err
}

func (c *controller) ControllerPublishVolume(_ context.Context, r *csi.ControllerPublishVolumeRequest) (*csi.ControllerPublishVolumeResponse, error) {
	switch {
	case r.VolumeId == "":
		return nil, missing("the volume's id")
	case r.NodeId == "":
		return nil, missing("the node's id")
	case r.VolumeCapability == nil:
		return nil, missing("the capability")
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	it := c.volumes[r.VolumeId]
	if it == nil {
		return nil, status.Error(codes.NotFound, "no such volume")
	}
	if r.NodeId != *nodeID {
		return nil, status.Error(codes.NotFound, "no such node")
	}
	if readonly, attached := it.readonly[r.NodeId]; attached && readonly != r.Readonly {
		return nil, status.Error(codes.AlreadyExists, "it is attached in another way")
	}
	it.readonly[r.NodeId] = r.Readonly
	return &csi.ControllerPublishVolumeResponse{PublishContext: map[string]string{"device": "/dev/" + r.VolumeId}}, nil
}

func (c *controller) ControllerUnpublishVolume(_ context.Context, r *csi.ControllerUnpublishVolumeRequest) (*csi.ControllerUnpublishVolumeResponse, error) {
	if r.VolumeId == "" {
		return nil, missing("the volume's id")
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if it := c.volumes[r.VolumeId]; it != nil {
		if r.NodeId == "" {
			clear(it.readonly)
		}
		delete(it.readonly, r.NodeId)
	}
	return &csi.ControllerUnpublishVolumeResponse{}, nil
}

func (c *controller) ValidateVolumeCapabilities(_ context.Context, r *csi.ValidateVolumeCapabilitiesRequest) (*csi.ValidateVolumeCapabilitiesResponse, error) {
	if r.VolumeId == "" {
		return nil, missing("the volume's id")
	}
	if len(r.VolumeCapabilities) == 0 {
		return nil, missing("a capability")
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.volumes[r.VolumeId] == nil {
		return nil, status.Error(codes.NotFound, "no such volume")
	}
	return &csi.ValidateVolumeCapabilitiesResponse{Confirmed: &csi.ValidateVolumeCapabilitiesResponse_Confirmed{
		VolumeContext: r.VolumeContext, VolumeCapabilities: r.VolumeCapabilities, Parameters: r.Parameters}}, nil
}

func (c *controller) ControllerExpandVolume(_ context.Context, r *csi.ControllerExpandVolumeRequest) (*csi.ControllerExpandVolumeResponse, error) {
	if r.VolumeId == "" {
		return nil, missing("the volume's id")
	}
	if r.CapacityRange == nil {
		return nil, missing("the capacity")
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	it := c.volumes[r.VolumeId]
	if it == nil {
		return nil, status.Error(codes.NotFound, "no such volume")
	}
	it.bytes = max(it.bytes, r.CapacityRange.RequiredBytes)
	return &csi.ControllerExpandVolumeResponse{CapacityBytes: it.bytes, NodeExpansionRequired: true}, nil
}
