// A DRA driver of the tests' own, on k8s.io/dynamic-resource-allocation/kubeletplugin. Its pool has the node's name, its devices are words
// of the command line; a prepared claim is a CDI file whose devices set an environment variable, named after the request. Each call is a line
// on standard output. A file of words, read at each call, says what goes wrong: "hang-prepare", "skip-prepare", "fail-prepare=why",
// "claim-prepare=why" (and so for unprepare), "sick=DEVICE" (unhealthy), "mute" (no health is told).
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"google.golang.org/grpc"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/dynamic-resource-allocation/kubeletplugin"
	"k8s.io/dynamic-resource-allocation/resourceslice"
	health "k8s.io/kubelet/pkg/apis/dra-health/v1alpha1"
	"k8s.io/utils/ptr"
)

var (
	name       = flag.String("driver", "dra.pintle.test", "")
	node       = flag.String("node", "", "")
	root       = flag.String("root", "", "the kubelet's")
	cdi        = flag.String("cdi", "", "the folder of CDI files")
	kubeconfig = flag.String("kubeconfig", "", "")
	devices    = flag.String("devices", "d0 d1", "")
	faults     = flag.String("faults", "", "the file")
	instance   = flag.String("instance", "", "rolling updates: which of several of one name")
	old        = flag.Bool("v1beta1", false, "speak the older form only")
	period     = flag.Int64("health-timeout", 0, "seconds after which what was told of health is old")
)

type driver struct {
	health.UnimplementedDRAResourceHealthServer
}

func fault(word string) (string, bool) {
	text, _ := os.ReadFile(*faults)
	for _, line := range strings.Split(string(text), "\n") {
		if key, value, _ := strings.Cut(line, "="); key == word {
			return value, true
		}
	}
	return "", false
}

// What is wrong with all of a call: it never ends, fails, or answers nothing.
func whole(ctx context.Context, verb string) (skip bool, err error) {
	if _, on := fault("hang-" + verb); on {
		<-ctx.Done()
	}
	if why, on := fault("fail-" + verb); on {
		return false, errors.New(why)
	}
	_, skip = fault("skip-" + verb)
	return skip, nil
}

func file(uid types.UID) string { return filepath.Join(*cdi, *name+"-"+string(uid)+".json") }

type entry map[string]any

func prepare(claim *resourceapi.ResourceClaim) kubeletplugin.PrepareResult {
	if why, on := fault("claim-prepare"); on {
		return kubeletplugin.PrepareResult{Err: errors.New(why)}
	}
	var out kubeletplugin.PrepareResult
	var specs []entry
	for _, result := range claim.Status.Allocation.Devices.Results {
		if result.Driver != *name {
			continue
		}
		request, _, _ := strings.Cut(result.Request, "/")
		id := string(claim.UID) + "-" + request + "-" + result.Device
		variable := strings.ToUpper(strings.ReplaceAll(request, "-", "_")) + "=" + result.Device
		specs = append(specs, entry{"name": id, "containerEdits": entry{"env": []string{variable}}})
		out.Devices = append(out.Devices, kubeletplugin.Device{Requests: []string{result.Request}, PoolName: result.Pool, DeviceName: result.Device,
			CDIDeviceIDs: []string{*name + "/device=" + id}, ShareID: result.ShareID})
	}
	text, _ := json.Marshal(entry{"cdiVersion": "0.5.0", "kind": *name + "/device", "devices": specs})
	out.Err = os.WriteFile(file(claim.UID), text, 0o644)
	return out
}

func (driver) PrepareResourceClaims(ctx context.Context, claims []*resourceapi.ResourceClaim) (map[types.UID]kubeletplugin.PrepareResult, error) {
	names := []string{}
	for _, claim := range claims {
		names = append(names, claim.Name)
	}
	slices.Sort(names)
	fmt.Println("Prepare", strings.Join(names, " "))
	out := map[types.UID]kubeletplugin.PrepareResult{}
	if skip, err := whole(ctx, "prepare"); skip || err != nil {
		return out, err
	}
	for _, claim := range claims {
		out[claim.UID] = prepare(claim)
	}
	return out, nil
}

func (driver) UnprepareResourceClaims(ctx context.Context, claims []kubeletplugin.NamespacedObject) (map[types.UID]error, error) {
	names := []string{}
	for _, claim := range claims {
		names = append(names, claim.Name)
	}
	slices.Sort(names)
	fmt.Println("Unprepare", strings.Join(names, " "))
	out := map[types.UID]error{}
	if skip, err := whole(ctx, "unprepare"); skip || err != nil {
		return out, err
	}
	for _, claim := range claims {
		out[claim.UID] = nil
		if why, on := fault("claim-unprepare"); on {
			out[claim.UID] = errors.New(why)
		} else if err := os.Remove(file(claim.UID)); err != nil && !errors.Is(err, os.ErrNotExist) {
			out[claim.UID] = err
		}
	}
	return out, nil
}

func (driver) HandleError(_ context.Context, err error, msg string) { fmt.Println("Error", msg, err) }

func (driver) NodeWatchResources(_ *health.NodeWatchResourcesRequest, stream grpc.ServerStreamingServer[health.NodeWatchResourcesResponse]) error {
	fmt.Println("NodeWatchResources")
	for told := "?"; stream.Context().Err() == nil; time.Sleep(20 * time.Millisecond) {
		sick, _ := fault("sick")
		if _, mute := fault("mute"); mute || sick == told {
			continue
		}
		told = sick
		answer := &health.NodeWatchResourcesResponse{}
		for _, device := range strings.Fields(*devices) {
			one := &health.DeviceHealth{Device: &health.DeviceIdentifier{PoolName: *node, DeviceName: device}, Health: health.HealthStatus_HEALTHY,
				LastUpdatedTime: time.Now().Unix(), HealthCheckTimeoutSeconds: *period}
			if device == sick {
				one.Health, one.Message = health.HealthStatus_UNHEALTHY, "it is too hot"
			}
			answer.Devices = append(answer.Devices, one)
		}
		if err := stream.Send(answer); err != nil {
			return err
		}
	}
	return nil
}

func run() error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	config, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	data := filepath.Join(*root, "plugins", *name)
	if err := os.MkdirAll(data, 0o750); err != nil {
		return err
	}
	options := []kubeletplugin.Option{kubeletplugin.DriverName(*name), kubeletplugin.NodeName(*node), kubeletplugin.KubeClient(client),
		kubeletplugin.RegistrarDirectoryPath(filepath.Join(*root, "plugins_registry")), kubeletplugin.PluginDataDirectoryPath(data),
		kubeletplugin.NodeV1(!*old), kubeletplugin.Serialize(false)}
	if *instance != "" {
		options = append(options, kubeletplugin.RollingUpdate(types.UID(*instance)))
	}
	helper, err := kubeletplugin.Start(ctx, driver{}, options...)
	if err != nil {
		return err
	}
	defer helper.Stop()
	var slice resourceslice.Slice
	for _, device := range strings.Fields(*devices) {
		slice.Devices = append(slice.Devices, resourceapi.Device{Name: device, Attributes: map[resourceapi.QualifiedName]resourceapi.DeviceAttribute{"id": {StringValue: ptr.To(device)}}})
	}
	pools := map[string]resourceslice.Pool{*node: {Slices: []resourceslice.Slice{slice}}}
	if err := helper.PublishResources(ctx, resourceslice.DriverResources{Pools: pools}); err != nil {
		return err
	}
	for told := ""; ctx.Err() == nil; time.Sleep(20 * time.Millisecond) {
		status := helper.RegistrationStatus()
		if status != nil && told != fmt.Sprint(status.PluginRegistered, status.Error) {
			told = fmt.Sprint(status.PluginRegistered, status.Error)
			fmt.Println("Registered", status.PluginRegistered, status.Error)
		}
	}
	return nil
}

func main() {
	flag.Parse()
	if err := run(); err != nil {
		fmt.Println("Failed", err)
		os.Exit(1)
	}
}
