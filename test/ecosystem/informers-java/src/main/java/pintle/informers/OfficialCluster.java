package pintle.informers;

import io.kubernetes.client.common.KubernetesListObject;
import io.kubernetes.client.common.KubernetesObject;
import io.kubernetes.client.custom.V1Patch;
import io.kubernetes.client.informer.ListerWatcher;
import io.kubernetes.client.informer.ResourceEventHandler;
import io.kubernetes.client.informer.SharedIndexInformer;
import io.kubernetes.client.informer.SharedInformerFactory;
import io.kubernetes.client.openapi.ApiClient;
import io.kubernetes.client.openapi.apis.CoreV1Api;
import io.kubernetes.client.openapi.apis.CustomObjectsApi;
import io.kubernetes.client.openapi.models.V1ConfigMap;
import io.kubernetes.client.openapi.models.V1ConfigMapList;
import io.kubernetes.client.openapi.models.V1ListMeta;
import io.kubernetes.client.openapi.models.V1ObjectMeta;
import io.kubernetes.client.util.CallGenerator;
import io.kubernetes.client.util.Config;
import io.kubernetes.client.util.generic.GenericKubernetesApi;
import io.kubernetes.client.util.generic.options.ListOptions;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.stream.Collectors;

/** The official client, io.kubernetes:client-java. Its informers list; with settings.watchList they are given a {@link StreamingLister}. */
final class OfficialCluster implements Cluster {
  /** A kite as users of this client write such classes. */
  public static final class Kite implements KubernetesObject {
    String apiVersion = GROUP + "/v1";
    String kind = "Kite";
    V1ObjectMeta metadata;
    Map<String, String> spec;

    @Override
    public V1ObjectMeta getMetadata() {
      return metadata;
    }

    @Override
    public String getApiVersion() {
      return apiVersion;
    }

    @Override
    public String getKind() {
      return kind;
    }
  }

  /** A list of kites. */
  public static final class KiteList implements KubernetesListObject {
    String apiVersion = GROUP + "/v1";
    String kind = "KiteList";
    V1ListMeta metadata;
    List<Kite> items = new ArrayList<>();

    @Override
    public V1ListMeta getMetadata() {
      return metadata;
    }

    @Override
    public List<Kite> getItems() {
      return items;
    }

    @Override
    public String getApiVersion() {
      return apiVersion;
    }

    @Override
    public String getKind() {
      return kind;
    }
  }

  private final Settings settings;
  private final Requests requests = new Requests();
  private final ApiClient followed;
  private final GenericKubernetesApi<V1ConfigMap, V1ConfigMapList> configMaps;
  private final GenericKubernetesApi<Kite, KiteList> kites;

  OfficialCluster(Settings settings) throws IOException {
    this.settings = settings;
    ApiClient writer = Config.fromConfig(settings.kubeconfig());
    configMaps = new GenericKubernetesApi<>(V1ConfigMap.class, V1ConfigMapList.class, "", "v1", "configmaps", writer);
    kites = new GenericKubernetesApi<>(Kite.class, KiteList.class, GROUP, "v1", "kites", writer);
    followed = Config.fromConfig(settings.followed()).setReadTimeout(0);
    followed.setHttpClient(followed.getHttpClient().newBuilder().addInterceptor(chain -> {
      requests.add(chain.request().url().query());
      return chain.proceed(chain.request());
    }).build());
  }

  @Override
  public boolean findsWhatHasGone() {
    return true;
  }

  @Override
  public Requests requests() {
    return requests;
  }

  @Override
  public void create(int i, Map<String, String> labels) throws Exception {
    V1ObjectMeta metadata = new V1ObjectMeta().name(Cluster.name(i)).namespace(settings.namespace()).labels(labels);
    configMaps.create(new V1ConfigMap().metadata(metadata).data(Map.of("i", Integer.toString(i)))).throwsApiException();
    Kite kite = new Kite();
    kite.metadata = metadata;
    kite.spec = Map.of("colour", "red");
    kites.create(kite).throwsApiException();
  }

  @Override
  public void patch(int i, String mergePatch) throws Exception {
    for (GenericKubernetesApi<?, ?> api : List.of(configMaps, kites))
      api.patch(settings.namespace(), Cluster.name(i), V1Patch.PATCH_FORMAT_JSON_MERGE_PATCH, new V1Patch(mergePatch)).throwsApiException();
  }

  @Override
  public void remove(int i) throws Exception {
    for (GenericKubernetesApi<?, ?> api : List.of(configMaps, kites)) api.delete(settings.namespace(), Cluster.name(i)).throwsApiException();
  }

  @Override
  public Map<String, String> list(Follower follower) throws Exception {
    ListOptions options = new ListOptions();
    if (follower.picked()) options.setLabelSelector(SELECTOR);
    if (!follower.isCustom()) return describe(configMaps.list(settings.namespace(), options).throwsApiException().getObject().getItems(), this::text);
    return describe(kites.list(settings.namespace(), options).throwsApiException().getObject().getItems(), this::text);
  }

  // Items of a list do not say their kind, those of a watch do.
  private String text(KubernetesObject object) {
    Object content = object instanceof Kite ? ((Kite) object).spec : ((V1ConfigMap) object).getData();
    return followed.getJSON().serialize(object.getMetadata()) + content;
  }

  private static <T extends KubernetesObject> Map<String, String> describe(Collection<T> objects, Function<T, String> text) {
    return objects.stream().collect(Collectors.toMap(o -> o.getMetadata().getName(), text));
  }

  @Override
  public List<Follower> follow() {
    SharedInformerFactory factory = new SharedInformerFactory(followed);
    CoreV1Api core = new CoreV1Api(followed);
    CustomObjectsApi customs = new CustomObjectsApi(followed);
    List<Follower> out = new ArrayList<>();
    for (String selector : new String[] {null, SELECTOR}) {
      String prefix = selector == null ? "all " : "picked ";
      CallGenerator ofMaps = p -> core.listNamespacedConfigMap(settings.namespace()).labelSelector(selector).resourceVersion(p.resourceVersion)
          .timeoutSeconds(p.timeoutSeconds).watch(p.watch).allowWatchBookmarks(p.watch).buildCall(null);
      CallGenerator ofKites = p -> customs.listNamespacedCustomObject(GROUP, "v1", settings.namespace(), "kites").labelSelector(selector)
          .resourceVersion(p.resourceVersion).timeoutSeconds(p.timeoutSeconds).watch(p.watch).allowWatchBookmarks(p.watch).buildCall(null);
      out.add(follow(factory, new Follower(prefix + "config maps", selector != null), ofMaps, V1ConfigMap.class, V1ConfigMapList.class,
          (items, metadata) -> new V1ConfigMapList().items(items).metadata(metadata)));
      out.add(follow(factory, new Follower(prefix + "kites", selector != null), ofKites, Kite.class, KiteList.class, (items, metadata) -> {
        KiteList list = new KiteList();
        list.items = items;
        list.metadata = metadata;
        return list;
      }));
    }
    return out;
  }

  private <T extends KubernetesObject, L extends KubernetesListObject> Follower follow(
      SharedInformerFactory factory, Follower follower, CallGenerator calls, Class<T> type, Class<L> listType, BiFunction<List<T>, V1ListMeta, L> toList) {
    ListerWatcher<T, L> streaming = new StreamingLister<>(followed, calls, type, toList);
    // The factory starts one informer of a class; here there are two, so that each is started by itself.
    SharedIndexInformer<T> informer = settings.watchList() ? factory.sharedIndexInformerFor(streaming, type, 0) : factory.sharedIndexInformerFor(calls, type, listType);
    informer.addEventHandler(new ResourceEventHandler<T>() {
      @Override
      public void onAdd(T object) {
        follower.onAdd();
      }

      @Override
      public void onUpdate(T before, T after) {
        follower.onUpdate(before.getMetadata().getResourceVersion(), after.getMetadata().getResourceVersion());
      }

      @Override
      public void onDelete(T object, boolean finalStateUnknown) {
        follower.onDelete();
      }
    });
    follower.attach(informer::hasSynced, () -> describe(informer.getIndexer().list(), this::text));
    informer.run();
    return follower;
  }
}
