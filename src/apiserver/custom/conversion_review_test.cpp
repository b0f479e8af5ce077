#include "apiserver/custom/conversion_review.h"

#include <gtest/gtest.h>

#include "api/codec.h"
#include "api/custom_object.h"
#include "apiserver/custom/shape.h"
#include "codec/json.h"

namespace pintle::apiserver::custom {
namespace {

using registry::VersionBinding;
using registry::VersionConverter;

constexpr std::string_view webhook = "conversion webhook for example.com/v1, Kind=Widget";

// Two versions of a kind: v1 has spec.hostPort, v2 spec.host and spec.port.
class Review {
 public:
  explicit Review(std::size_t objects = 1, std::string version = "v1") {
    for (const char* name : {"v1", "v2"}) {
      api::apiextensions_v1::CustomResourceDefinitionVersion described;
      described.name = name;
      const std::string schema =
          name == std::string("v1") ? R"("hostPort":{"type":"string"})" : R"("host":{"type":"string"},"port":{"type":"string"})";
      auto& props = described.schema.emplace().open_apiv_3_schema.emplace();
      EXPECT_TRUE(api::decode_json(R"({"type":"object","properties":{"spec":{"type":"object","properties":{)" + schema + "}}}}",
                                   api::type_of<api::apiextensions_v1::JSONSchemaProps>(), &props));
      shapes_.push_back(*Shape::make(described, false));
    }
    kinds_ = {{{"example.com", "v1", "Widget"}, &api::type_of<api::CustomObject>(), 0, false},
              {{"example.com", "v2", "Widget"}, &api::type_of<api::CustomObject>(), 0, false}};
    for (unsigned i = 0; i < 2; ++i) {
      VersionBinding& made = bindings_.emplace_back();
      made.kind = &kinds_[i];
      made.shape = shapes_[i].get();
      made.index = i;
      made.api_version = i == 0 ? "example.com/v1" : "example.com/v2";
      made.json_head = Bytes("{\"apiVersion\":\"" + made.api_version + "\",\"kind\":\"Widget\",");
    }
    for (std::size_t i = 0; i < objects; ++i)
      items_.push_back({&bindings_[0], Bytes(R"({"metadata":{"name":"w)" + std::to_string(i) +
                                             R"(","namespace":"ns","uid":"u","generation":7,"labels":{"a":"b"}},"spec":{"hostPort":"h:1"}})")});
    review_ = {std::move(version), "the-uid", &bindings_[1], &items_};
  }
  const ConversionReview& operator*() const { return review_; }

  // An object as a good webhook gives it back, with `changed` members of its metadata after the others.
  static std::string object(std::size_t i, const std::string& changed = "") {
    return R"({"apiVersion":"example.com/v2","kind":"Widget","metadata":{"name":"w)" + std::to_string(i) + R"(","namespace":"ns","uid":"u")" +
           changed + R"(},"spec":{"host":"h","port":"1"}})";
  }
  static std::string answer(const std::string& objects) {
    return R"({"apiVersion":"apiextensions.k8s.io/v1","kind":"ConversionReview","response":{"uid":"the-uid","result":{"status":"Success"},"convertedObjects":[)" +
           objects + "]}}";
  }
  std::string failure(const std::string& answer) const {
    const auto read = read_review_answer(review_, answer);
    EXPECT_FALSE(read) << answer;
    if (read) return {};
    EXPECT_EQ(read.error().reason, Reason::Unknown);
    return read.error().message;
  }

 private:
  std::vector<std::shared_ptr<const Shape>> shapes_;
  std::vector<api::KindInfo> kinds_;
  std::vector<VersionBinding> bindings_;
  std::vector<VersionConverter::Item> items_;
  ConversionReview review_;
};

TEST(ConversionReview, AsksInTheFirstVersionThatIsKnown) {
  EXPECT_EQ(review_version({"v1", "v1beta1"}), "v1");
  EXPECT_EQ(review_version({"v2", "v1beta1", "v1"}), "v1beta1");
  EXPECT_EQ(review_version({"v2"}), "");
  const Review two(2);
  const auto question = codec::parse_json(review_question(*two).view());
  ASSERT_TRUE(question);
  EXPECT_EQ(question->string_at("apiVersion"), "apiextensions.k8s.io/v1");
  const codec::Value& request = *question->find("request");
  EXPECT_EQ(request.string_at("uid"), "the-uid");
  EXPECT_EQ(request.string_at("desiredAPIVersion"), "example.com/v2");
  ASSERT_EQ(request.find("objects")->as_array().size(), 2u);
  EXPECT_EQ(request.find("objects")->as_array()[1].string_at("apiVersion"), "example.com/v1");
  EXPECT_EQ(request.find("objects")->as_array()[1].find("metadata")->string_at("name"), "w1");
}

TEST(ConversionReview, TakesMembersLabelsAndAnnotationsAndNothingElse) {
  const Review one;
  const auto read = read_review_answer(
      *one, Review::answer(Review::object(0, R"(,"generation":99,"finalizers":["x"],"labels":{"c":"d"},"annotations":{"e":"f"})")));
  ASSERT_TRUE(read) << read.error().message;
  const auto& object = (*read)[0].as<api::CustomObject>();
  EXPECT_EQ(object.metadata.generation, 7);
  EXPECT_TRUE(object.metadata.finalizers.empty());
  EXPECT_EQ(object.metadata.labels, (FlatMap<std::string>{{"c", "d"}}));
  EXPECT_EQ(object.metadata.annotations, (FlatMap<std::string>{{"e", "f"}}));
  EXPECT_EQ(codec::to_json(object.rest.members), R"({"spec":{"host":"h","port":"1"}})");
  const auto bare = read_review_answer(*one, Review::answer(Review::object(0)));
  ASSERT_TRUE(bare);
  EXPECT_TRUE((*bare)[0].as<api::CustomObject>().metadata.labels.empty());
}

TEST(ConversionReview, PrunesWhatTheOtherVersionDoesNotDeclare) {
  const Review one;
  const auto read = read_review_answer(
      *one,
      Review::answer(
          R"({"apiVersion":"example.com/v2","kind":"Widget","metadata":{"name":"w0","namespace":"ns","uid":"u"},"spec":{"host":"h","hostPort":"h:1"}})"));
  ASSERT_TRUE(read);
  EXPECT_EQ(codec::to_json((*read)[0].as<api::CustomObject>().rest.members), R"({"spec":{"host":"h"}})");
}

TEST(ConversionReview, RefusesAnswersThatAreNone) {
  const Review one;
  const std::string failed = std::string(webhook) + " failed: ";
  EXPECT_TRUE(one.failure("<html>").starts_with(failed + "couldn't get version/kind; json parse error: "));
  EXPECT_TRUE(one.failure("").starts_with(failed));
  EXPECT_EQ(one.failure("{}"), failed + "expected webhook response of apiextensions.k8s.io/v1, Kind=ConversionReview, got /, Kind=");
  EXPECT_EQ(one.failure(R"({"apiVersion":"apiextensions.k8s.io/v1","kind":"ConversionReview"})"), failed + "no response provided");
  EXPECT_EQ(one.failure(R"({"apiVersion":"apiextensions.k8s.io/v1","kind":"ConversionReview","response":{"uid":"other"}})"),
            failed + R"(expected response.uid="the-uid", got "other")");
  EXPECT_EQ(
      one.failure(
          R"({"apiVersion":"apiextensions.k8s.io/v1","kind":"ConversionReview","response":{"uid":"the-uid","result":{"status":"Failure","message":"no"}}})"),
      failed + "no");
  EXPECT_EQ(one.failure(R"({"apiVersion":"apiextensions.k8s.io/v1","kind":"ConversionReview","response":{"uid":"the-uid"}})"),
            failed + "response.result.status was '', not 'Success'");
  // v1beta1 was less strict, and stays so.
  const Review beta(1, "v1beta1");
  EXPECT_TRUE(read_review_answer(*beta, R"({"response":{"result":{"status":"Success"},"convertedObjects":[)" + Review::object(0) + "]}}"));
}

TEST(ConversionReview, RefusesObjectsThatAreOthers) {
  const Review one;
  const std::string bad = std::string(webhook) + " returned invalid object";
  EXPECT_EQ(one.failure(Review::answer("")), std::string(webhook) + " returned 0 objects, expected 1");
  EXPECT_EQ(one.failure(Review::answer(Review::object(0) + "," + Review::object(0))), std::string(webhook) + " returned 2 objects, expected 1");
  EXPECT_TRUE(one.failure(Review::answer("7")).starts_with(bad + " at index 0: "));
  EXPECT_EQ(one.failure(Review::answer(R"({"apiVersion":"example.com/v1","kind":"Widget"})")),
            bad + " at index 0: invalid groupVersion (expected example.com/v2, received example.com/v1)");
  EXPECT_EQ(one.failure(Review::answer(R"({"apiVersion":"example.com/v2","kind":"Gadget"})")),
            bad + " at index 0: invalid kind (expected Widget, received Gadget)");
  EXPECT_EQ(one.failure(Review::answer(Review::object(1))), bad + ": must have the same name: w0 != w1");
  EXPECT_EQ(one.failure(Review::answer(Review::object(0, R"(,"namespace":"x")"))), bad + ": must have the same namespace: ns != x");
  EXPECT_EQ(one.failure(Review::answer(Review::object(0, R"(,"uid":"x")"))), bad + ": must have the same UID: u != x");
  const std::string metadata = std::string(webhook) + " returned invalid metadata: ";
  EXPECT_EQ(one.failure(Review::answer(Review::object(0, R"(,"labels":[])"))),
            metadata + "invalid metadata.labels of type []interface {} in converted object");
  EXPECT_EQ(one.failure(Review::answer(Review::object(0, R"(,"labels":{"a":1})"))),
            metadata + "metadata.labels[a] must be a string, but is int64 in converted object");
  EXPECT_TRUE(one.failure(Review::answer(Review::object(0, R"(,"labels":{"-":"x"})"))).starts_with(metadata + "metadata.labels: Invalid value"));
  const Review two(2);
  EXPECT_EQ(two.failure(Review::answer(Review::object(0) + "," + Review::object(0))),
            std::string(webhook) + " returned invalid converted object at index 1: must have the same name: w1 != w0");
}

TEST(ConversionReview, BoundsWhatAnAnswerIsDecodedInto) {
  const Review one;
  std::string bomb;
  for (int i = 0; i < 4'000'000; ++i) bomb += "{},";
  bomb.pop_back();
  EXPECT_TRUE(one.failure(Review::answer(bomb)).starts_with(webhook));
  EXPECT_TRUE(one.failure(std::string(100'000, '[')).starts_with(webhook));
}

}  // namespace
}  // namespace pintle::apiserver::custom
