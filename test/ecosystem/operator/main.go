// The operator of Websites, laid out as kubebuilder lays one out: a definition with two versions and a conversion webhook, admission webhooks,
// leader election, a finalizer, owned objects, status, events, and metrics that only who may read them reads.
package main

import (
	"flag"
	"os"

	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	"sigs.k8s.io/controller-runtime/pkg/metrics/filters"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/controller-runtime/pkg/webhook"

	v1 "pintle.test/ecosystem/operator/api/v1"
	"pintle.test/ecosystem/operator/api/v1alpha1"
)

func run(image, certificates string) error {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, v1.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			return err
		}
	}
	mgr, err := ctrl.NewManager(ctrl.GetConfigOrDie(), ctrl.Options{
		Scheme:                        scheme,
		Metrics:                       metricsserver.Options{BindAddress: ":8443", SecureServing: true, FilterProvider: filters.WithAuthenticationAndAuthorization},
		WebhookServer:                 webhook.NewServer(webhook.Options{Port: 9443, CertDir: certificates}),
		HealthProbeBindAddress:        ":8081",
		LeaderElection:                true,
		LeaderElectionID:              "websites.sites.example.com",
		LeaderElectionReleaseOnCancel: true,
	})
	if err != nil {
		return err
	}
	identity, err := os.Hostname()
	if err != nil {
		return err
	}
	r := &reconciler{Client: mgr.GetClient(), events: mgr.GetEventRecorder("website-operator"), image: image, identity: identity}
	if err := r.SetupWithManager(mgr); err != nil {
		return err
	}
	if err := ctrl.NewWebhookManagedBy(mgr, &v1.Website{}).WithDefaulter(defaulter{}).WithValidator(validator{}).Complete(); err != nil {
		return err
	}
	if err := mgr.AddHealthzCheck("healthz", healthz.Ping); err != nil {
		return err
	}
	if err := mgr.AddReadyzCheck("webhook", mgr.GetWebhookServer().StartedChecker()); err != nil {
		return err
	}
	return mgr.Start(ctrl.SetupSignalHandler())
}

func main() {
	image := flag.String("site-image", "", "what serves a site: answers HTTP at port 8001")
	certificates := flag.String("webhook-cert-dir", "/tmp/k8s-webhook-server/serving-certs", "tls.crt and tls.key of the webhooks")
	options := zap.Options{}
	options.BindFlags(flag.CommandLine)
	flag.Parse()
	ctrl.SetLogger(zap.New(zap.UseFlagOptions(&options)))
	if err := run(*image, *certificates); err != nil {
		ctrl.Log.Error(err, "the operator ends")
		os.Exit(1)
	}
}
