#include "apiserver/exchange/negotiation.h"

#include <gtest/gtest.h>

namespace pintle::apiserver::exchange {
namespace {

constexpr Offer everything{.yaml = true, .protobuf = true, .table = true, .partial = true};

void check_form(std::string_view accept, Media media, Shape shape) {
  const auto form = negotiate(accept, everything);
  ASSERT_TRUE(form.has_value()) << accept;
  EXPECT_EQ(form->media, media) << accept;
  EXPECT_EQ(form->shape, shape) << accept;
}

TEST(Negotiation, TakesTheBestClause) {
  check_form("", Media::Json, Shape::Object);
  check_form("*/*", Media::Json, Shape::Object);
  check_form("application/*", Media::Json, Shape::Object);
  check_form("application/yaml", Media::Yaml, Shape::Object);
  check_form("application/json;q=0.5, application/yaml", Media::Yaml, Shape::Object);
  check_form("text/html, application/vnd.kubernetes.protobuf", Media::Protobuf, Shape::Object);
  check_form("application/json;as=Table;v=v1;g=meta.k8s.io,application/json", Media::Json, Shape::Table);
  check_form("application/vnd.kubernetes.protobuf;as=Table;g=meta.k8s.io;v=v1,application/json", Media::Json, Shape::Object);
  check_form("application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;g=meta.k8s.io;v=v1", Media::Protobuf, Shape::PartialMetadata);
  check_form("application/json;as=Table;v=v9;g=meta.k8s.io,application/json", Media::Json, Shape::Object);
}

void check_refused(std::string_view accept, bool details) {
  const auto form = negotiate(accept, everything);
  ASSERT_FALSE(form.has_value()) << accept;
  EXPECT_EQ(form.error().reason, Reason::NotAcceptable);
  EXPECT_EQ(form.error().details.shown, details) << accept;
}

TEST(Negotiation, RefusesWhatItDoesNotHave) {
  check_refused("text/html", true);
  check_refused("application/cbor", true);
  check_refused("application/json;as=Table;v=v9;g=meta.k8s.io", false);
  check_refused("application/json;stream=other", false);
}

TEST(Negotiation, BodyMedia) {
  EXPECT_EQ(*body_media(""), Media::Json);
  EXPECT_EQ(*body_media("application/json; charset=utf-8"), Media::Json);
  EXPECT_EQ(*body_media("application/yaml"), Media::Yaml);
  EXPECT_EQ(body_media("text/plain").error().reason, Reason::UnsupportedMediaType);
}

}  // namespace
}  // namespace pintle::apiserver::exchange
