package v1alpha1

import (
	"fmt"
	"strings"

	"sigs.k8s.io/controller-runtime/pkg/conversion"

	v1 "pintle.test/ecosystem/operator/api/v1"
)

const separator = ": "

// ConvertTo loses nothing; a greeting without a title is a body.
func (w *Website) ConvertTo(hub conversion.Hub) error {
	out, ok := hub.(*v1.Website)
	if !ok {
		return fmt.Errorf("a Website becomes no %T", hub)
	}
	out.ObjectMeta = w.ObjectMeta
	out.Spec = v1.WebsiteSpec{Domain: w.Spec.Domain, Replicas: w.Spec.Size}
	title, body, found := strings.Cut(w.Spec.Greeting, separator)
	if found {
		out.Spec.Page = v1.Page{Title: title, Body: body}
	} else {
		out.Spec.Page = v1.Page{Body: w.Spec.Greeting}
	}
	out.Status = v1.WebsiteStatus{ObservedGeneration: w.Status.ObservedGeneration, ReadyReplicas: w.Status.Ready, Selector: w.Status.Selector, Conditions: w.Status.Conditions}
	return nil
}

// ConvertFrom fails where the title holds what parts it from the body: it would not come back as it was.
func (w *Website) ConvertFrom(hub conversion.Hub) error {
	in, ok := hub.(*v1.Website)
	if !ok {
		return fmt.Errorf("no Website comes from a %T", hub)
	}
	if strings.Contains(in.Spec.Page.Title, separator) {
		return fmt.Errorf("the title %q cannot be said in v1alpha1", in.Spec.Page.Title)
	}
	w.ObjectMeta = in.ObjectMeta
	w.Spec = WebsiteSpec{Domain: in.Spec.Domain, Size: in.Spec.Replicas, Greeting: in.Spec.Page.Body}
	if in.Spec.Page.Title != "" {
		w.Spec.Greeting = in.Spec.Page.Title + separator + in.Spec.Page.Body
	}
	w.Status = WebsiteStatus{ObservedGeneration: in.Status.ObservedGeneration, Ready: in.Status.ReadyReplicas, Selector: in.Status.Selector, Conditions: in.Status.Conditions}
	return nil
}
