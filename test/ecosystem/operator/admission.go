package main

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	v1 "pintle.test/ecosystem/operator/api/v1"
)

const (
	createdBy   = "sites.example.com/created-by"
	protected   = "sites.example.com/protected"
	replicasMax = 5
)

type defaulter struct{}

func (defaulter) Default(ctx context.Context, site *v1.Website) error {
	request, err := admission.RequestFromContext(ctx)
	if err != nil {
		return err
	}
	if site.Spec.Replicas == nil {
		one := int32(1)
		site.Spec.Replicas = &one
	}
	if site.Spec.Page.Title == "" {
		site.Spec.Page.Title = "Welcome to " + site.Spec.Domain
	}
	if request.Operation == "CREATE" {
		if site.Annotations == nil {
			site.Annotations = map[string]string{}
		}
		site.Annotations[createdBy] = request.UserInfo.Username
	}
	return nil
}

type validator struct{}

func refused(site *v1.Website, failures field.ErrorList) error {
	if len(failures) == 0 {
		return nil
	}
	return apierrors.NewInvalid(schema.GroupKind{Group: v1.GroupVersion.Group, Kind: "Website"}, site.Name, failures)
}

func checkSpec(site *v1.Website) (admission.Warnings, field.ErrorList) {
	path := field.NewPath("spec", "replicas")
	switch replicas := *site.Spec.Replicas; {
	case replicas > replicasMax:
		return nil, field.ErrorList{field.Invalid(path, replicas, fmt.Sprintf("a site has at most %d replicas", replicasMax))}
	case replicas == 0:
		return admission.Warnings{"a site without replicas answers nobody"}, nil
	}
	return nil, nil
}

func (validator) ValidateCreate(_ context.Context, site *v1.Website) (admission.Warnings, error) {
	warnings, failures := checkSpec(site)
	return warnings, refused(site, failures)
}

func (validator) ValidateUpdate(_ context.Context, old, site *v1.Website) (admission.Warnings, error) {
	warnings, failures := checkSpec(site)
	if old.Spec.Domain != site.Spec.Domain {
		failures = append(failures, field.Forbidden(field.NewPath("spec", "domain"), "a site keeps its domain "+old.Spec.Domain))
	}
	return warnings, refused(site, failures)
}

func (validator) ValidateDelete(_ context.Context, site *v1.Website) (admission.Warnings, error) {
	if site.Annotations[protected] == "true" {
		return nil, apierrors.NewForbidden(schema.GroupResource{Group: v1.GroupVersion.Group, Resource: "websites"}, site.Name, fmt.Errorf("it is protected"))
	}
	return nil, nil
}
