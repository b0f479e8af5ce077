#include "apiserver/custom/definition_status.h"

#include <gtest/gtest.h>

namespace pintle::apiserver::custom {
namespace {

Definition widgets() {
  Definition out;
  out.spec.group = "example.com";
  auto& names = out.spec.names;
  names.plural = "widgets";
  names.singular = "widget";
  names.short_names = {"wd"};
  names.kind = "Widget";
  names.list_kind = "WidgetList";
  names.categories = {"all"};
  return out;
}

constexpr int64_t first = 100, later = 200;
api::Time at(int64_t seconds) { return {seconds, 0}; }

// "Type=Status Reason: message" of each condition.
std::vector<std::string> said(const api::apiextensions_v1::CustomResourceDefinitionStatus& status) {
  std::vector<std::string> out;
  for (const auto& c : status.conditions) out.push_back(c.type + "=" + c.status + " " + c.reason + ": " + c.message);
  return out;
}

TEST(DefinitionStatus, FreeNamesAreAcceptedAndTheDefinitionIsEstablished) {
  Definition definition = widgets();
  definition.status = with_names(definition, {}, at(first));
  EXPECT_EQ(said(definition.status), (std::vector<std::string>{"NamesAccepted=True NoConflicts: no conflicts found",
                                                               "Established=True InitialNamesAccepted: the initial names have been accepted"}));
  EXPECT_EQ(definition.status.accepted_names.plural, "widgets");
  EXPECT_EQ(definition.status.accepted_names.categories, (std::vector<std::string>{"all"}));
  // Nothing changes, not even a time, when it is looked at again.
  const auto again = with_names(definition, {}, at(later));
  EXPECT_EQ(again.conditions[0].last_transition_time, at(first));
  EXPECT_EQ(again.conditions[1].last_transition_time, at(first));
}

TEST(DefinitionStatus, NamesInUseAreNamed) {
  const std::pair<TakenNames, std::string> conflicts[] = {
      {{{"widgets"}, {}}, "NamesAccepted=False PluralConflict: \"widgets\" is already in use"},
      {{{"widget"}, {}}, "NamesAccepted=False SingularConflict: \"widget\" is already in use"},
      {{{"wd"}, {}}, "NamesAccepted=False ShortNamesConflict: \"wd\" is already in use"},
      {{{}, {"Widget"}}, "NamesAccepted=False KindConflict: \"Widget\" is already in use"},
      {{{}, {"WidgetList"}}, "NamesAccepted=False ListKindConflict: \"WidgetList\" is already in use"},
      {{{"widget"}, {"WidgetList"}}, "NamesAccepted=False ListKindConflict: \"WidgetList\" is already in use"},
  };
  for (const auto& [taken, wanted] : conflicts) {
    const auto status = with_names(widgets(), taken, at(first));
    EXPECT_EQ(said(status), (std::vector<std::string>{wanted, "Established=False NotAccepted: not all names are accepted"}));
  }
}

TEST(DefinitionStatus, WhatIsEstablishedStaysAndKeepsTheNamesItHad) {
  Definition definition = widgets();
  definition.status = with_names(definition, {}, at(first));
  definition.spec.names.short_names = {"taken"};
  definition.spec.names.singular = "gadget";
  TakenNames taken;
  taken.resources = {"taken"};
  const auto status = with_names(definition, taken, at(later));
  EXPECT_EQ(said(status), (std::vector<std::string>{"NamesAccepted=False ShortNamesConflict: \"taken\" is already in use",
                                                    "Established=True InitialNamesAccepted: the initial names have been accepted"}));
  EXPECT_EQ(status.accepted_names.short_names, (std::vector<std::string>{"wd"}));
  EXPECT_EQ(status.accepted_names.singular, "gadget");
  EXPECT_EQ(status.conditions[0].last_transition_time, at(later));
}

TEST(DefinitionStatus, NamesOfOthersAreTaken) {
  TakenNames taken;
  taken.add(widgets().spec.names);
  EXPECT_EQ(taken.resources, (std::set<std::string, std::less<>>{"wd", "widget", "widgets"}));
  EXPECT_EQ(taken.kinds, (std::set<std::string, std::less<>>{"Widget", "WidgetList"}));
}

TEST(DefinitionStatus, DeletionAndSchemasHaveConditions) {
  Definition definition = widgets();
  set_terminating(definition.status, Terminating::Begun, "", at(first));
  set_structural(definition.status, {"a: Required value"}, at(first));
  EXPECT_EQ(said(definition.status), (std::vector<std::string>{"Terminating=True InstanceDeletionInProgress: CustomResource deletion is in progress",
                                                               "NonStructuralSchema=True Violations: a: Required value"}));
  set_terminating(definition.status, Terminating::Done, "", at(later));
  set_structural(definition.status, {"a", "b"}, at(later));
  EXPECT_EQ(said(definition.status), (std::vector<std::string>{"Terminating=False InstanceDeletionCompleted: removed all instances",
                                                               "NonStructuralSchema=True Violations: [a, b]"}));
  set_structural(definition.status, {}, at(later));
  EXPECT_EQ(definition.status.conditions.size(), 1u);
}

TEST(DefinitionStatus, GroupsOfTheProjectNeedItsApproval) {
  constexpr const char* must = "protected groups must have approval annotation \"api-approved.kubernetes.io\"";
  constexpr const char* see = ", see https://github.com/kubernetes/enhancements/pull/1111";
  const struct {
    const char *group, *annotation;
    std::string condition;
  } cases[] = {
      {"example.com", "", ""},
      {"x-k8s.io", "", ""},
      {"k8s.io", "", std::string("False MissingAnnotation: ") + must + see},
      {"a.kubernetes.io", "later",
       std::string("False InvalidAnnotation: ") + must + " with either a URL or a reason starting with \"unapproved\"" + see},
      {"a.k8s.io", "https:///x",
       std::string("False InvalidAnnotation: ") + must + " with either a URL or a reason starting with \"unapproved\"" + see},
      {"a.k8s.io", "unapproved, a trial", "False UnapprovedAnnotation: not approved: \"unapproved, a trial\""},
      {"a.k8s.io", "https://example.com/1", "True ApprovedAnnotation: approved in https://example.com/1"},
  };
  for (const auto& c : cases) {
    Definition definition = widgets();
    definition.spec.group = c.group;
    if (*c.annotation != 0) definition.metadata.annotations["api-approved.kubernetes.io"] = c.annotation;
    set_approval(definition.status, definition, at(first));
    const std::vector<std::string> wanted =
        c.condition.empty() ? std::vector<std::string>{} : std::vector{"KubernetesAPIApprovalPolicyConformant=" + c.condition};
    EXPECT_EQ(said(definition.status), wanted) << c.group << " " << c.annotation;
  }
}

}  // namespace
}  // namespace pintle::apiserver::custom
