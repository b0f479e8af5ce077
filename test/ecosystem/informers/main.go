// Command informers follows config maps and a custom resource through client-go's informers: typed, by label, metadata only and dynamic.
// It looks at each request that they send: with -watchlist one watch brings what is there, without it a list does. Then it cuts their
// watches, and they must go on where they were. It prints "ok" and ends with 0 when all was seen as it must be.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/metadata/metadatainformer"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
)

const objects = 300

func check(what string, err error) {
	if err != nil {
		fmt.Fprintf(os.Stderr, "informers: %s: %v\n", what, err)
		os.Exit(1)
	}
}

func must(held bool, format string, values ...any) {
	if !held {
		check("wrong", fmt.Errorf(format, values...))
	}
}

func await(ctx context.Context, what string, condition func() bool) {
	check(what, wait.PollUntilContextTimeout(ctx, 10*time.Millisecond, 30*time.Second, true, func(context.Context) (bool, error) { return condition(), nil }))
}

// wire writes down what the informers ask, and can cut their watches.
type wire struct {
	next    http.RoundTripper
	mutex   sync.Mutex
	lists   []string
	watches []string
	open    []*stream
}

// stream is the body of a watch. Once cut it ends as a server's does that closes the watch.
type stream struct {
	io.ReadCloser
	isCut atomic.Bool
}

func (s *stream) Read(into []byte) (int, error) {
	n, err := s.ReadCloser.Read(into)
	if err != nil && s.isCut.Load() {
		err = io.EOF
	}
	return n, err
}

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := w.next.RoundTrip(r)
	if err != nil || r.Method != http.MethodGet || !strings.Contains(r.UserAgent(), "follows") {
		return answer, err
	}
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if r.URL.Query().Get("watch") == "" {
		w.lists = append(w.lists, r.URL.RawQuery)
	} else {
		w.watches = append(w.watches, r.URL.RawQuery)
		body := &stream{ReadCloser: answer.Body}
		answer.Body = body
		w.open = append(w.open, body)
	}
	return answer, err
}

func (w *wire) seen() (lists, watches []string) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return append([]string{}, w.lists...), append([]string{}, w.watches...)
}

func (w *wire) cut() {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	for _, body := range w.open {
		body.isCut.Store(true)
		body.ReadCloser.Close()
	}
	w.open = nil
}

// follower is an informer and what its handler was told.
type follower struct {
	name                    string
	informer                cache.SharedIndexInformer
	added, changed, removed atomic.Int64
}

func follow(name string, informer cache.SharedIndexInformer) *follower {
	f := &follower{name: name, informer: informer}
	_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{AddFunc: func(any) { f.added.Add(1) }, DeleteFunc: func(any) { f.removed.Add(1) },
		UpdateFunc: func(before, after any) {
			if before.(metav1.Object).GetResourceVersion() != after.(metav1.Object).GetResourceVersion() {
				f.changed.Add(1)
			}
		}})
	check("handler", err)
	return f
}

func (f *follower) await(ctx context.Context, when string, added, changed, removed int64) {
	err := wait.PollUntilContextTimeout(ctx, 10*time.Millisecond, 30*time.Second, true, func(context.Context) (bool, error) {
		return f.added.Load() >= added && f.changed.Load() >= changed && f.removed.Load() >= removed, nil
	})
	told := fmt.Sprintf("%s, %s: %d added, %d changed, %d removed, expected %d, %d, %d", f.name, when, f.added.Load(), f.changed.Load(), f.removed.Load(), added, changed, removed)
	check(told, err)
	must(f.added.Load() == added && f.changed.Load() == changed && f.removed.Load() == removed, "%s", told)
	must(len(f.informer.GetStore().ListKeys()) == int(added-removed), "%s: %d in the store", told, len(f.informer.GetStore().ListKeys()))
}

func main() {
	kubeconfig := flag.String("kubeconfig", "", "kubeconfig")
	namespace := flag.String("namespace", "default", "namespace to work in")
	proto := flag.Bool("proto", false, "protobuf bodies for the typed client")
	watchList := flag.Bool("watchlist", false, "what KUBE_FEATURE_WatchListClient says")
	flag.Parse()
	ctx, cancel := context.WithTimeout(context.Background(), 90*time.Second)
	defer cancel()
	config, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	check("kubeconfig", err)
	config.QPS = -1
	clients, err := kubernetes.NewForConfig(config)
	check("client", err)
	kites := schema.GroupVersionResource{Group: "kites.example.com", Version: "v1", Resource: "kites"}
	writer, err := dynamic.NewForConfig(config)
	check("dynamic client", err)
	configMaps, customs := clients.CoreV1().ConfigMaps(*namespace), writer.Resource(kites).Namespace(*namespace)

	create := func(i int) {
		labels := map[string]string{"pick": map[bool]string{true: "yes", false: "no"}[i%2 == 0]}
		_, err := configMaps.Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("m%03d", i), Labels: labels}, Data: map[string]string{"i": fmt.Sprint(i)}}, metav1.CreateOptions{})
		check("create", err)
		kite := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "kites.example.com/v1", "kind": "Kite", "metadata": map[string]any{"name": fmt.Sprintf("k%03d", i)}, "spec": map[string]any{"colour": "red"}}}
		_, err = customs.Create(ctx, kite, metav1.CreateOptions{})
		check("create", err)
	}
	change := func(i int) {
		patch := []byte(`{"metadata":{"annotations":{"changed":"yes"}}}`)
		_, err := configMaps.Patch(ctx, fmt.Sprintf("m%03d", i), "application/merge-patch+json", patch, metav1.PatchOptions{})
		check("patch", err)
		_, err = customs.Patch(ctx, fmt.Sprintf("k%03d", i), "application/merge-patch+json", patch, metav1.PatchOptions{})
		check("patch", err)
	}
	remove := func(i int) {
		check("delete", configMaps.Delete(ctx, fmt.Sprintf("m%03d", i), metav1.DeleteOptions{}))
		check("delete", customs.Delete(ctx, fmt.Sprintf("k%03d", i), metav1.DeleteOptions{}))
	}
	for i := 0; i < objects; i++ {
		create(i)
	}

	followed := *config
	followed.UserAgent = "follows"
	line := &wire{}
	followed.Wrap(func(next http.RoundTripper) http.RoundTripper { line.next = next; return line })
	typedConfig := followed
	if *proto {
		typedConfig.ContentType = "application/vnd.kubernetes.protobuf"
		typedConfig.AcceptContentTypes = "application/vnd.kubernetes.protobuf,application/json"
	}
	typed, err := kubernetes.NewForConfig(&typedConfig)
	check("client", err)
	partial, err := metadata.NewForConfig(&followed)
	check("metadata client", err)
	loose, err := dynamic.NewForConfig(&followed)
	check("dynamic client", err)
	pick := func(o *metav1.ListOptions) { o.LabelSelector = "pick=yes" }
	all := informers.NewSharedInformerFactoryWithOptions(typed, 0, informers.WithNamespace(*namespace))
	some := informers.NewSharedInformerFactoryWithOptions(typed, 0, informers.WithNamespace(*namespace), informers.WithTweakListOptions(pick))
	heads := metadatainformer.NewFilteredSharedInformerFactory(partial, 0, *namespace, nil)
	custom := dynamicinformer.NewFilteredDynamicSharedInformerFactory(loose, 0, *namespace, nil)
	followers := []*follower{follow("all", all.Core().V1().ConfigMaps().Informer()), follow("picked", some.Core().V1().ConfigMaps().Informer()),
		follow("metadata", heads.ForResource(corev1.SchemeGroupVersion.WithResource("configmaps")).Informer()), follow("custom", custom.ForResource(kites).Informer())}
	for _, f := range followers {
		go f.informer.Run(ctx.Done())
	}
	for _, f := range followers {
		must(cache.WaitForCacheSync(ctx.Done(), f.informer.HasSynced), "%s does not sync", f.name)
	}
	expect := func(when string, added, changed, removed int64) {
		for _, f := range followers {
			if f.name == "picked" {
				f.await(ctx, when, added/2, changed/2, removed/2)
			} else {
				f.await(ctx, when, added, changed, removed)
			}
		}
	}
	expect("at first", objects, 0, 0)

	listed, err := configMaps.List(ctx, metav1.ListOptions{})
	check("list", err)
	for _, want := range listed.Items {
		got, found, _ := followers[0].informer.GetStore().GetByKey(*namespace + "/" + want.Name)
		must(found && reflect.DeepEqual(got.(*corev1.ConfigMap).Data, want.Data) && reflect.DeepEqual(got.(*corev1.ConfigMap).ObjectMeta, want.ObjectMeta), "%s: %v instead of %v", want.Name, got, want)
	}

	await(ctx, "each has a watch", func() bool { _, watches := line.seen(); return len(watches) >= len(followers) })
	lists, watches := line.seen()
	initial := 0
	for _, query := range watches {
		if strings.Contains(query, "sendInitialEvents=true") {
			must(strings.Contains(query, "resourceVersionMatch=NotOlderThan") && strings.Contains(query, "allowWatchBookmarks=true"), "a watch asks %s", query)
			initial++
		}
	}
	if *watchList {
		must(initial == len(followers) && len(lists) == 0, "%d of %d watches bring what is there; lists: %v; watches: %v", initial, len(followers), lists, watches)
	} else {
		must(initial == 0 && len(lists) >= len(followers), "lists: %v; watches: %v", lists, watches)
	}

	for i := 0; i < 20; i++ {
		create(objects + i)
		change(100 + i)
		remove(i)
	}
	expect("after changes", objects+20, 20, 20)

	before, _ := line.seen()
	line.cut()
	for i := 20; i < 40; i++ {
		create(objects + i)
		change(100 + i)
		remove(i)
	}
	expect("after cut watches", objects+40, 40, 40)
	after, watches := line.seen()
	must(len(after) == len(before), "they list again: %v", after[len(before):])
	again := 0
	for _, query := range watches {
		if strings.Contains(query, "sendInitialEvents=true") {
			again++
		}
	}
	must(again == initial, "they ask for all again: %v", watches)
	fmt.Println("ok")
}
