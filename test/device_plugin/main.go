// A device plugin of the tests' own, on the published Go interfaces. Its devices are words of a file, "!" behind those that are not healthy; a
// change of it is told at once. It registers whenever the kubelet makes its socket anew. Each call is a line on standard output.
// With -pod-resources it asks the pod resources API instead, and prints what it says.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	api "k8s.io/kubelet/pkg/apis/deviceplugin/v1beta1"
	"k8s.io/kubelet/pkg/apis/podresources/v1"
	"k8s.io/kubelet/pkg/apis/podresources/v1alpha1"
)

var (
	folder   = flag.String("folder", "", "device-plugins of the kubelet")
	resource = flag.String("resource", "pintle.test/device", "")
	devices  = flag.String("devices", "", "the file")
	mount    = flag.String("mount", "", "a folder that containers get at /plugin")
	preStart = flag.Bool("pre-start", false, "it wants to know of starts")
	prefer   = flag.String("prefer", "", "the devices that it prefers, by commas")
	fail     = flag.String("fail", "", "what Allocate fails with")
	hang     = flag.Bool("hang", false, "Allocate never answers")
	version  = flag.String("version", api.Version, "")
	ask      = flag.String("pod-resources", "", "the socket of the pod resources API")
	pod      = flag.String("pod", "", "the one that Get asks for, in namespace default")
)

type plugin struct {
	api.UnimplementedDevicePluginServer
}

func (plugin) GetDevicePluginOptions(context.Context, *api.Empty) (*api.DevicePluginOptions, error) {
	return &api.DevicePluginOptions{PreStartRequired: *preStart, GetPreferredAllocationAvailable: *prefer != ""}, nil
}

func (plugin) ListAndWatch(_ *api.Empty, stream grpc.ServerStreamingServer[api.ListAndWatchResponse]) error {
	for told := "?"; ; time.Sleep(20 * time.Millisecond) {
		text, err := os.ReadFile(*devices)
		if err != nil || string(text) == told {
			if stream.Context().Err() != nil {
				return nil
			}
			continue
		}
		told = string(text)
		list := &api.ListAndWatchResponse{}
		for i, word := range strings.Fields(told) {
			health := api.Healthy
			if strings.HasSuffix(word, "!") {
				health = api.Unhealthy
			}
			list.Devices = append(list.Devices, &api.Device{ID: strings.TrimSuffix(word, "!"), Health: health, Topology: &api.TopologyInfo{Nodes: []*api.NUMANode{{ID: int64(i % 2)}}}})
		}
		if err := stream.Send(list); err != nil {
			return err
		}
		fmt.Println("ListAndWatch", strings.TrimSpace(told))
	}
}

func (plugin) GetPreferredAllocation(_ context.Context, in *api.PreferredAllocationRequest) (*api.PreferredAllocationResponse, error) {
	of := in.ContainerRequests[0]
	slices.Sort(of.AvailableDeviceIDs)
	fmt.Println("GetPreferredAllocation", of.AllocationSize, of.AvailableDeviceIDs, of.MustIncludeDeviceIDs)
	return &api.PreferredAllocationResponse{ContainerResponses: []*api.ContainerPreferredAllocationResponse{{DeviceIDs: strings.Split(*prefer, ",")}}}, nil
}

func (plugin) Allocate(ctx context.Context, in *api.AllocateRequest) (*api.AllocateResponse, error) {
	ids := in.ContainerRequests[0].DevicesIds
	slices.Sort(ids)
	fmt.Println("Allocate", ids)
	if *hang {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	if *fail != "" {
		return nil, errors.New(*fail)
	}
	answer := &api.ContainerAllocateResponse{
		Envs:        map[string]string{"DEVICES": strings.Join(ids, ",")},
		Devices:     []*api.DeviceSpec{{ContainerPath: "/dev/of-plugin", HostPath: "/dev/zero", Permissions: "r"}},
		Annotations: map[string]string{"pintle.test/devices": strings.Join(ids, ",")},
	}
	if *mount != "" {
		answer.Mounts = []*api.Mount{{ContainerPath: "/plugin", HostPath: *mount, ReadOnly: true}}
	}
	return &api.AllocateResponse{ContainerResponses: []*api.ContainerAllocateResponse{answer}}, nil
}

func (plugin) PreStartContainer(_ context.Context, in *api.PreStartContainerRequest) (*api.PreStartContainerResponse, error) {
	slices.Sort(in.DevicesIds)
	fmt.Println("PreStartContainer", in.DevicesIds)
	return &api.PreStartContainerResponse{}, nil
}

func register(name string) error {
	connection, err := grpc.NewClient("unix://"+filepath.Join(*folder, "kubelet.sock"), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer connection.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	_, err = api.NewRegistrationClient(connection).Register(ctx, &api.RegisterRequest{Version: *version, Endpoint: name, ResourceName: *resource})
	return err
}

func serve(name string) *grpc.Server {
	path := filepath.Join(*folder, name)
	os.Remove(path)
	listener, err := net.Listen("unix", path)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	server := grpc.NewServer()
	api.RegisterDevicePluginServer(server, plugin{})
	go server.Serve(listener)
	return server
}

func must[T any](value T, err error) T {
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	return value
}

func askPodResources() {
	connection := must(grpc.NewClient("unix://"+*ask, grpc.WithTransportCredentials(insecure.NewCredentials())))
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	client := v1.NewPodResourcesListerClient(connection)
	out := map[string]any{
		"list":        must(client.List(ctx, &v1.ListPodResourcesRequest{})).PodResources,
		"allocatable": must(client.GetAllocatableResources(ctx, &v1.AllocatableResourcesRequest{})),
		"get":         must(client.Get(ctx, &v1.GetPodResourcesRequest{PodName: *pod, PodNamespace: "default"})).PodResources,
		"older":       must(v1alpha1.NewPodResourcesListerClient(connection).List(ctx, &v1alpha1.ListPodResourcesRequest{})).PodResources,
	}
	fmt.Println(string(must(json.Marshal(out))))
}

func main() {
	flag.Parse()
	if *ask != "" {
		askPodResources()
		return
	}
	name := strings.ReplaceAll(*resource, "/", "_") + ".sock"
	var known os.FileInfo
	var server *grpc.Server
	for ; ; time.Sleep(20 * time.Millisecond) {
		socket, err := os.Stat(filepath.Join(*folder, "kubelet.sock"))
		if err != nil || known != nil && os.SameFile(known, socket) && known.ModTime().Equal(socket.ModTime()) {
			continue
		}
		if server != nil {
			server.Stop()
		}
		server = serve(name)
		if err := register(name); err != nil {
			fmt.Println("Register", err)
			time.Sleep(200 * time.Millisecond)
			continue
		}
		known = socket
		fmt.Println("Register ok")
	}
}
