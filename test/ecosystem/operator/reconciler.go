package main

import (
	"context"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	applyapps "k8s.io/client-go/applyconfigurations/apps/v1"
	applycore "k8s.io/client-go/applyconfigurations/core/v1"
	applymeta "k8s.io/client-go/applyconfigurations/meta/v1"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	v1 "pintle.test/ecosystem/operator/api/v1"
)

const (
	finalizer  = "sites.example.com/farewell"
	fieldOwner = client.FieldOwner("website-operator")
	label      = "sites.example.com/website"
	port       = 8001
)

// reconciler keeps, for each Website, a ConfigMap with the page and a Deployment that serves it. One that goes leaves a ConfigMap that says so.
type reconciler struct {
	client.Client
	events   events.EventRecorder
	image    string
	identity string
}

func (r *reconciler) SetupWithManager(mgr ctrl.Manager) error {
	return ctrl.NewControllerManagedBy(mgr).For(&v1.Website{}).Owns(&appsv1.Deployment{}).Owns(&corev1.ConfigMap{}).Complete(r)
}

func (r *reconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	site := &v1.Website{}
	if err := r.Get(ctx, request.NamespacedName, site); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if !site.DeletionTimestamp.IsZero() {
		return ctrl.Result{}, r.farewell(ctx, site)
	}
	before := site.DeepCopyObject().(*v1.Website)
	if controllerutil.AddFinalizer(site, finalizer) {
		if err := r.Patch(ctx, site, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})); err != nil {
			return ctrl.Result{}, err
		}
		r.events.Eventf(site, nil, corev1.EventTypeNormal, "Adopted", "Adopt", "the site %s is looked after", site.Spec.Domain)
	}
	if err := r.keepPage(ctx, site); err != nil {
		return ctrl.Result{}, err
	}
	deployment, err := r.keepDeployment(ctx, site)
	if err != nil {
		return ctrl.Result{}, err
	}
	return ctrl.Result{}, r.report(ctx, site, deployment)
}

// farewell may run twice: it ends where the finalizer is gone. A namespace that goes as well takes no note.
func (r *reconciler) farewell(ctx context.Context, site *v1.Website) error {
	if !controllerutil.ContainsFinalizer(site, finalizer) {
		return nil
	}
	note := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "farewell-" + site.Name, Namespace: site.Namespace}, Data: map[string]string{"domain": site.Spec.Domain}}
	err := r.Create(ctx, note)
	if err != nil && !apierrors.IsAlreadyExists(err) && !apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause) {
		return err
	}
	r.events.Eventf(site, note, corev1.EventTypeNormal, "Retired", "Retire", "the site %s is no more", site.Spec.Domain)
	before := site.DeepCopyObject().(*v1.Website)
	controllerutil.RemoveFinalizer(site, finalizer)
	return client.IgnoreNotFound(r.Patch(ctx, site, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})))
}

func page(site *v1.Website) string {
	return fmt.Sprintf("%s | %s", site.Spec.Page.Title, site.Spec.Page.Body)
}

func (r *reconciler) keepPage(ctx context.Context, site *v1.Website) error {
	kept := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: site.Name + "-page", Namespace: site.Namespace}}
	_, err := controllerutil.CreateOrUpdate(ctx, r.Client, kept, func() error {
		kept.Data = map[string]string{"index.html": page(site)}
		return controllerutil.SetControllerReference(site, kept, r.Scheme())
	})
	return err
}

// keepDeployment applies what is ours of it and leaves the rest to others.
func (r *reconciler) keepDeployment(ctx context.Context, site *v1.Website) (*appsv1.Deployment, error) {
	labels := map[string]string{label: site.Name}
	owner := applymeta.OwnerReference().WithAPIVersion(v1.GroupVersion.String()).WithKind("Website").WithName(site.Name).WithUID(site.UID).WithController(true).WithBlockOwnerDeletion(true)
	container := applycore.Container().WithName("site").WithImage(r.image).
		WithEnv(applycore.EnvVar().WithName("PAGE").WithValue(page(site))).
		WithPorts(applycore.ContainerPort().WithName("http").WithContainerPort(port)).
		WithReadinessProbe(applycore.Probe().WithPeriodSeconds(1).WithHTTPGet(applycore.HTTPGetAction().WithPath("/").WithPort(intstr.FromInt32(port)))).
		WithVolumeMounts(applycore.VolumeMount().WithName("page").WithMountPath("/page"))
	pod := applycore.PodSpec().WithContainers(container).
		WithVolumes(applycore.Volume().WithName("page").WithConfigMap(applycore.ConfigMapVolumeSource().WithName(site.Name + "-page")))
	wanted := applyapps.Deployment(site.Name, site.Namespace).WithLabels(labels).WithOwnerReferences(owner).WithSpec(applyapps.DeploymentSpec().
		WithReplicas(*site.Spec.Replicas).
		WithSelector(applymeta.LabelSelector().WithMatchLabels(labels)).
		WithTemplate(applycore.PodTemplateSpec().WithLabels(labels).WithSpec(pod)))
	if err := r.Apply(ctx, wanted, fieldOwner, client.ForceOwnership); err != nil {
		return nil, err
	}
	kept := &appsv1.Deployment{}
	return kept, client.IgnoreNotFound(r.Get(ctx, client.ObjectKeyFromObject(site), kept))
}

func (r *reconciler) report(ctx context.Context, site *v1.Website, deployment *appsv1.Deployment) error {
	before := site.DeepCopyObject().(*v1.Website)
	site.Status.ObservedGeneration = site.Generation
	site.Status.ReadyReplicas = deployment.Status.ReadyReplicas
	site.Status.Selector = label + "=" + site.Name
	ready := metav1.Condition{Type: "Ready", Status: metav1.ConditionFalse, Reason: "Starting", ObservedGeneration: site.Generation,
		Message: fmt.Sprintf("%d of %d replicas are ready, says %s", site.Status.ReadyReplicas, *site.Spec.Replicas, r.identity)}
	if deployment.Status.ObservedGeneration == deployment.Generation && deployment.Status.UpdatedReplicas == *site.Spec.Replicas && site.Status.ReadyReplicas == *site.Spec.Replicas {
		ready.Status, ready.Reason = metav1.ConditionTrue, "Serving"
	}
	if meta.SetStatusCondition(&site.Status.Conditions, ready) && ready.Status == metav1.ConditionTrue {
		r.events.Eventf(site, deployment, corev1.EventTypeNormal, "Serving", "Serve", "the site %s answers", site.Spec.Domain)
	}
	return client.IgnoreNotFound(r.Status().Patch(ctx, site, client.MergeFrom(before)))
}
