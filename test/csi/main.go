// A CSI driver of the tests' own, on the published Go interfaces: a volume is a folder below -data, attached in name only, staged and published
// by bind mounts. It
// registers with the kubelet itself, as node-driver-registrar does for others. Each call is a line on standard output: its name, then "ok" or
// the error.
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"golang.org/x/sys/unix"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	registration "k8s.io/kubelet/pkg/apis/pluginregistration/v1"
)

var (
	name      = flag.String("name", "test.csi.pintle", "the driver's name")
	endpoint  = flag.String("endpoint", "", "the socket that the driver serves on")
	seenAt    = flag.String("registered-endpoint", "", "where the kubelet sees the endpoint; none: at the same path")
	register  = flag.String("register", "", "the socket in plugins_registry; none: it does not register")
	version   = flag.String("version", "1.0.0", "the version that it registers")
	nodeID    = flag.String("node-id", "node", "")
	limit     = flag.Int64("max-volumes", 0, "")
	topology  = flag.String("topology", "", "key=value")
	data      = flag.String("data", "", "the folder of volumes")
	failInfo  = flag.Int64("fail-info", 0, "how many calls of NodeGetInfo fail")
	limitFile = flag.String("max-volumes-file", "", "a file with the number, read at each call")
	orders    = flag.String("orders", "", "a file of lines METHOD CODE (the call fails with that code) and METHOD hang (it ends when the line is gone)")
	noStaging = flag.Bool("no-staging", false, "volumes are published without being staged")
)

type driver struct {
	csi.UnimplementedIdentityServer
	csi.UnimplementedNodeServer
	registration.UnimplementedRegistrationServer
	asked atomic.Int64
}

func (d *driver) GetPluginInfo(context.Context, *csi.GetPluginInfoRequest) (*csi.GetPluginInfoResponse, error) {
	return &csi.GetPluginInfoResponse{Name: *name, VendorVersion: "1"}, nil
}

func (d *driver) GetPluginCapabilities(context.Context, *csi.GetPluginCapabilitiesRequest) (*csi.GetPluginCapabilitiesResponse, error) {
	return &csi.GetPluginCapabilitiesResponse{Capabilities: []*csi.PluginCapability{
		{Type: &csi.PluginCapability_Service_{Service: &csi.PluginCapability_Service{Type: csi.PluginCapability_Service_CONTROLLER_SERVICE}}},
		{Type: &csi.PluginCapability_VolumeExpansion_{VolumeExpansion: &csi.PluginCapability_VolumeExpansion{Type: csi.PluginCapability_VolumeExpansion_ONLINE}}}}}, nil
}

func (d *driver) Probe(context.Context, *csi.ProbeRequest) (*csi.ProbeResponse, error) {
	return &csi.ProbeResponse{}, nil
}

func (d *driver) NodeGetInfo(context.Context, *csi.NodeGetInfoRequest) (*csi.NodeGetInfoResponse, error) {
	if d.asked.Add(1) <= *failInfo {
		return nil, status.Error(codes.Internal, "not yet")
	}
	if text, err := os.ReadFile(*limitFile); err == nil {
		_, _ = fmt.Sscan(string(text), limit)
	}
	out := &csi.NodeGetInfoResponse{NodeId: *nodeID, MaxVolumesPerNode: *limit}
	if key, value, found := strings.Cut(*topology, "="); found {
		out.AccessibleTopology = &csi.Topology{Segments: map[string]string{key: value}}
	}
	return out, nil
}

func (d *driver) NodeGetCapabilities(context.Context, *csi.NodeGetCapabilitiesRequest) (*csi.NodeGetCapabilitiesResponse, error) {
	out := &csi.NodeGetCapabilitiesResponse{}
	types := []csi.NodeServiceCapability_RPC_Type{csi.NodeServiceCapability_RPC_GET_VOLUME_STATS, csi.NodeServiceCapability_RPC_EXPAND_VOLUME}
	if !*noStaging {
		types = append(types, csi.NodeServiceCapability_RPC_STAGE_UNSTAGE_VOLUME)
	}
	for _, t := range types {
		out.Capabilities = append(out.Capabilities, &csi.NodeServiceCapability{
			Type: &csi.NodeServiceCapability_Rpc{Rpc: &csi.NodeServiceCapability_RPC{Type: t}}})
	}
	return out, nil
}

func mounted(path string) bool {
	mounts, _ := os.ReadFile("/proc/self/mountinfo")
	return strings.Contains(string(mounts), " "+path+" ")
}

func bind(from, to string, readonly bool) error {
	if mounted(to) {
		return nil
	}
	if err := os.MkdirAll(to, 0o750); err != nil {
		return err
	}
	if err := syscall.Mount(from, to, "", syscall.MS_BIND, ""); err != nil {
		return err
	}
	if readonly {
		return syscall.Mount("", to, "", syscall.MS_BIND|syscall.MS_REMOUNT|syscall.MS_RDONLY, "")
	}
	return nil
}

func unbind(path string) error {
	if mounted(path) {
		return syscall.Unmount(path, 0)
	}
	return nil
}

// The folder of a volume, made if it is not there.
func folder(id string) (string, error) {
	if id == "" || strings.ContainsAny(id, "/") || strings.HasPrefix(id, ".") {
		return "", status.Error(codes.InvalidArgument, "the volume's id: "+id)
	}
	path := filepath.Join(*data, id)
	return path, os.MkdirAll(path, 0o777)
}

// A loop device over a file of 16 MiB, which is mounted at the path.
func publishDevice(id, path string) error {
	if _, err := folder(id); err != nil {
		return err
	}
	if mounted(path) {
		return nil
	}
	image := filepath.Join(*data, id, "image")
	file, err := os.OpenFile(image, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	if err := file.Truncate(16 << 20); err != nil {
		return err
	}
	device, err := attachLoop(file)
	if err != nil {
		return err
	}
	target, err := os.OpenFile(path, os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	target.Close()
	return syscall.Mount(device, path, "", syscall.MS_BIND, "")
}

// The path of a loop device over the file.
func attachLoop(file *os.File) (string, error) {
	control, err := os.OpenFile("/dev/loop-control", os.O_RDWR, 0)
	if err != nil {
		return "", err
	}
	defer control.Close()
	for range 10 { // another may take the one that is free
		number, err := unix.IoctlRetInt(int(control.Fd()), unix.LOOP_CTL_GET_FREE)
		if err != nil {
			return "", err
		}
		path := fmt.Sprintf("/dev/loop%d", number)
		device, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			return "", err
		}
		err = unix.IoctlSetInt(int(device.Fd()), unix.LOOP_SET_FD, int(file.Fd()))
		device.Close()
		if err == nil {
			return path, nil
		}
	}
	return "", errors.New("no loop device is free")
}

func detachLoops(image string) {
	backing, _ := filepath.Glob("/sys/block/loop*/loop/backing_file")
	for _, name := range backing {
		if text, err := os.ReadFile(name); err != nil || strings.TrimSpace(string(text)) != image {
			continue
		}
		if device, err := os.Open("/dev/" + strings.Split(name, "/")[3]); err == nil {
			_, _ = unix.IoctlRetInt(int(device.Fd()), unix.LOOP_CLR_FD)
			device.Close()
		}
	}
}

func (d *driver) NodeStageVolume(_ context.Context, r *csi.NodeStageVolumeRequest) (*csi.NodeStageVolumeResponse, error) {
	switch {
	case r.StagingTargetPath == "":
		return nil, missing("the path")
	case r.VolumeCapability == nil:
		return nil, missing("the capability")
	}
	if r.VolumeCapability.GetBlock() != nil {
		return &csi.NodeStageVolumeResponse{}, nil
	}
	path, err := folder(r.VolumeId)
	if err == nil {
		err = bind(path, r.StagingTargetPath, false)
	}
	return &csi.NodeStageVolumeResponse{}, err
}

func (d *driver) NodeUnstageVolume(_ context.Context, r *csi.NodeUnstageVolumeRequest) (*csi.NodeUnstageVolumeResponse, error) {
	switch {
	case r.VolumeId == "":
		return nil, missing("the volume's id")
	case r.StagingTargetPath == "":
		return nil, missing("the path")
	}
	return &csi.NodeUnstageVolumeResponse{}, unbind(r.StagingTargetPath)
}

func (d *driver) NodePublishVolume(_ context.Context, r *csi.NodePublishVolumeRequest) (*csi.NodePublishVolumeResponse, error) {
	switch {
	case r.VolumeId == "":
		return nil, missing("the volume's id")
	case r.TargetPath == "":
		return nil, missing("the path")
	case r.VolumeCapability == nil:
		return nil, missing("the capability")
	}
	if r.VolumeCapability.GetBlock() != nil {
		return &csi.NodePublishVolumeResponse{}, publishDevice(r.VolumeId, r.TargetPath)
	}
	from := r.StagingTargetPath
	if *noStaging || from == "" {
		path, err := folder(r.VolumeId)
		if err != nil {
			return nil, err
		}
		from = path
	}
	return &csi.NodePublishVolumeResponse{}, bind(from, r.TargetPath, r.Readonly)
}

func (d *driver) NodeUnpublishVolume(_ context.Context, r *csi.NodeUnpublishVolumeRequest) (*csi.NodeUnpublishVolumeResponse, error) {
	switch {
	case r.VolumeId == "":
		return nil, missing("the volume's id")
	case r.TargetPath == "":
		return nil, missing("the path")
	}
	if err := unbind(r.TargetPath); err != nil {
		return nil, err
	}
	detachLoops(filepath.Join(*data, r.VolumeId, "image"))
	if err := os.Remove(r.TargetPath); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	return &csi.NodeUnpublishVolumeResponse{}, nil
}

func (d *driver) NodeGetVolumeStats(_ context.Context, r *csi.NodeGetVolumeStatsRequest) (*csi.NodeGetVolumeStatsResponse, error) {
	switch {
	case r.VolumeId == "":
		return nil, missing("the volume's id")
	case r.VolumePath == "":
		return nil, missing("the path")
	}
	var fs syscall.Statfs_t
	if err := syscall.Statfs(r.VolumePath, &fs); err != nil {
		return nil, status.Error(codes.NotFound, err.Error())
	}
	size := int64(fs.Bsize)
	return &csi.NodeGetVolumeStatsResponse{Usage: []*csi.VolumeUsage{
		{Unit: csi.VolumeUsage_BYTES, Total: int64(fs.Blocks) * size, Available: int64(fs.Bavail) * size, Used: int64(fs.Blocks-fs.Bfree) * size},
		{Unit: csi.VolumeUsage_INODES, Total: int64(fs.Files), Available: int64(fs.Ffree), Used: int64(fs.Files - fs.Ffree)}}}, nil
}

func (d *driver) NodeExpandVolume(_ context.Context, r *csi.NodeExpandVolumeRequest) (*csi.NodeExpandVolumeResponse, error) {
	switch {
	case r.VolumeId == "":
		return nil, missing("the volume's id")
	case r.VolumePath == "":
		return nil, missing("the path")
	}
	if _, err := os.Stat(filepath.Join(*data, r.VolumeId)); err != nil {
		return nil, status.Error(codes.NotFound, "no such volume")
	}
	return &csi.NodeExpandVolumeResponse{CapacityBytes: r.GetCapacityRange().GetRequiredBytes()}, nil
}

func (d *driver) GetInfo(context.Context, *registration.InfoRequest) (*registration.PluginInfo, error) {
	return &registration.PluginInfo{Type: registration.CSIPlugin, Name: *name, Endpoint: cmp.Or(*seenAt, *endpoint), SupportedVersions: []string{*version}}, nil
}

func (d *driver) NotifyRegistrationStatus(_ context.Context, r *registration.RegistrationStatus) (*registration.RegistrationStatusResponse, error) {
	fmt.Printf("registered %v %s\n", r.PluginRegistered, r.Error)
	return &registration.RegistrationStatusResponse{}, nil
}

// What -orders says of the method; "": nothing.
func order(method string) string {
	text, _ := os.ReadFile(*orders)
	for _, line := range strings.Split(string(text), "\n") {
		if name, what, found := strings.Cut(line, " "); found && name == method {
			return what
		}
	}
	return ""
}

func answered(ctx context.Context, request any, method string, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	for order(method) == "hang" {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
	if code, err := strconv.Atoi(order(method)); err == nil {
		return nil, status.Error(codes.Code(code), "as told")
	}
	return handler(ctx, request)
}

func logged(ctx context.Context, request any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	method := filepath.Base(info.FullMethod)
	if text, err := json.Marshal(request); err == nil {
		fmt.Printf("request %s %s\n", method, text)
	}
	answer, err := answered(ctx, request, method, info, handler)
	said := "ok"
	if err != nil {
		said = err.Error()
	}
	fmt.Printf("%s %s\n", method, said)
	return answer, err
}

func serve(path string, offer func(*grpc.Server)) *grpc.Server {
	_ = os.Remove(path)
	listener, err := net.Listen("unix", path)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	server := grpc.NewServer(grpc.UnaryInterceptor(logged))
	offer(server)
	go func() { _ = server.Serve(listener) }()
	return server
}

func main() {
	flag.Parse()
	d := &driver{}
	servers := []*grpc.Server{serve(*endpoint, func(s *grpc.Server) {
		csi.RegisterIdentityServer(s, d)
		csi.RegisterNodeServer(s, d)
		csi.RegisterControllerServer(s, &controller{volumes: map[string]*volume{}, snapshots: map[string]*csi.Snapshot{}})
	})}
	if *register != "" {
		servers = append(servers, serve(*register, func(s *grpc.Server) { registration.RegisterRegistrationServer(s, d) }))
	}
	end := make(chan os.Signal, 1)
	signal.Notify(end, syscall.SIGTERM, syscall.SIGINT)
	<-end
	for _, s := range servers {
		s.Stop()
	}
}
