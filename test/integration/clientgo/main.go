// Command clientgo drives an API server through client-go the way an operator does: an informer that follows config maps
// and deployments, typed writes with conflict retries, server-side apply, and a lease held by leader election; over JSON
// or, with -proto, protobuf. It prints "ok" and ends with 0 when all was seen as it must be.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	applycorev1 "k8s.io/client-go/applyconfigurations/core/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	"k8s.io/client-go/util/retry"
)

func fail(what string, err error) {
	if err != nil {
		fmt.Fprintf(os.Stderr, "clientgo: %s: %v\n", what, err)
		os.Exit(1)
	}
}

func await(ctx context.Context, what string, condition func() bool) {
	fail(what, wait.PollUntilContextTimeout(ctx, 10*time.Millisecond, 30*time.Second, true, func(context.Context) (bool, error) { return condition(), nil }))
}

func main() {
	kubeconfig := flag.String("kubeconfig", "", "kubeconfig")
	namespace := flag.String("namespace", "default", "namespace to work in")
	proto := flag.Bool("proto", false, "protobuf bodies")
	flag.Parse()
	ctx, cancel := context.WithTimeout(context.Background(), 90*time.Second)
	defer cancel()
	config, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	fail("kubeconfig", err)
	config.QPS = -1
	if *proto {
		config.ContentType = "application/vnd.kubernetes.protobuf"
		config.AcceptContentTypes = "application/vnd.kubernetes.protobuf,application/json"
	}
	clients, err := kubernetes.NewForConfig(config)
	fail("client", err)

	factory := informers.NewSharedInformerFactoryWithOptions(clients, 0, informers.WithNamespace(*namespace))
	maps := factory.Core().V1().ConfigMaps().Lister().ConfigMaps(*namespace)
	deployments := factory.Apps().V1().Deployments().Lister().Deployments(*namespace)
	factory.Start(ctx.Done())
	for kind, synced := range factory.WaitForCacheSync(ctx.Done()) {
		if !synced {
			fail("informer of "+kind.String(), fmt.Errorf("did not sync"))
		}
	}

	configMaps := clients.CoreV1().ConfigMaps(*namespace)
	_, err = configMaps.Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "go"}, Data: map[string]string{"n": "0"}}, metav1.CreateOptions{})
	fail("create", err)
	for i := 1; i <= 20; i++ {
		fail("update", retry.RetryOnConflict(retry.DefaultRetry, func() error {
			got, err := configMaps.Get(ctx, "go", metav1.GetOptions{})
			if err != nil {
				return err
			}
			got.Data["n"] = fmt.Sprint(i)
			_, err = configMaps.Update(ctx, got, metav1.UpdateOptions{})
			return err
		}))
	}
	await(ctx, "informer sees the last update", func() bool { m, err := maps.Get("go"); return err == nil && m.Data["n"] == "20" })

	applied, err := configMaps.Apply(ctx, applycorev1.ConfigMap("go", *namespace).WithData(map[string]string{"applied": "yes"}), metav1.ApplyOptions{FieldManager: "clientgo"})
	fail("apply", err)
	if applied.Data["applied"] != "yes" || applied.Data["n"] != "20" {
		fail("apply", fmt.Errorf("unexpected data %v", applied.Data))
	}

	replicas := int32(2)
	labels := map[string]string{"app": "go"}
	_, err = clients.AppsV1().Deployments(*namespace).Create(ctx, &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: "go"}, Spec: appsv1.DeploymentSpec{
		Replicas: &replicas, Selector: &metav1.LabelSelector{MatchLabels: labels},
		Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "i"}}}}}}, metav1.CreateOptions{})
	fail("create deployment", err)
	scale, err := clients.AppsV1().Deployments(*namespace).GetScale(ctx, "go", metav1.GetOptions{})
	fail("get scale", err)
	scale.Spec.Replicas = 5
	_, err = clients.AppsV1().Deployments(*namespace).UpdateScale(ctx, "go", scale, metav1.UpdateOptions{})
	fail("update scale", err)
	await(ctx, "informer sees the scale", func() bool { d, err := deployments.Get("go"); return err == nil && *d.Spec.Replicas == 5 })

	leading := make(chan struct{})
	lock := &resourcelock.LeaseLock{LeaseMeta: metav1.ObjectMeta{Name: "go", Namespace: *namespace}, Client: clients.CoordinationV1(), LockConfig: resourcelock.ResourceLockConfig{Identity: "me"}}
	election, stop := context.WithCancel(ctx)
	go leaderelection.RunOrDie(election, leaderelection.LeaderElectionConfig{Lock: lock, LeaseDuration: 15 * time.Second, RenewDeadline: 10 * time.Second, RetryPeriod: 2 * time.Second,
		Callbacks: leaderelection.LeaderCallbacks{OnStartedLeading: func(context.Context) { close(leading) }, OnStoppedLeading: func() {}}})
	select {
	case <-leading:
	case <-ctx.Done():
		fail("leader election", ctx.Err())
	}
	stop()

	fail("delete collection", configMaps.DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{}))
	await(ctx, "informer sees the deletion", func() bool { _, err := maps.Get("go"); return err != nil })
	fmt.Println("ok")
}
