package pintle.informers;

import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.ConfigMapBuilder;
import io.fabric8.kubernetes.api.model.ConfigMapList;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.KubernetesResourceList;
import io.fabric8.kubernetes.api.model.Namespaced;
import io.fabric8.kubernetes.api.model.ObjectMeta;
import io.fabric8.kubernetes.api.model.ObjectMetaBuilder;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.ConfigBuilder;
import io.fabric8.kubernetes.client.CustomResource;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.fabric8.kubernetes.client.dsl.FilterWatchListDeletable;
import io.fabric8.kubernetes.client.dsl.NonNamespaceOperation;
import io.fabric8.kubernetes.client.dsl.Resource;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import io.fabric8.kubernetes.client.http.BasicBuilder;
import io.fabric8.kubernetes.client.http.HttpRequest;
import io.fabric8.kubernetes.client.http.Interceptor;
import io.fabric8.kubernetes.client.informers.ResourceEventHandler;
import io.fabric8.kubernetes.client.informers.SharedIndexInformer;
import io.fabric8.kubernetes.client.utils.Serialization;
import io.fabric8.kubernetes.model.annotation.Group;
import io.fabric8.kubernetes.model.annotation.Version;
import java.io.File;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;

/** fabric8's client. Its informers know both beginnings; their watches are WebSockets unless settled otherwise. */
final class Fabric8Cluster implements Cluster {
  private static final PatchContext MERGE = PatchContext.of(PatchType.JSON_MERGE);

  /** A kite's spec. */
  public static final class KiteSpec {
    public String colour;
  }

  /** A kite as users of this client write such classes. */
  @Group(GROUP)
  @Version("v1")
  public static final class Kite extends CustomResource<KiteSpec, Void> implements Namespaced {
    private static final long serialVersionUID = 1;
  }

  private final Settings settings;
  private final Requests requests = new Requests();
  private final KubernetesClient writer;
  private final KubernetesClient followed;

  Fabric8Cluster(Settings settings, boolean onlyHttp) {
    this.settings = settings;
    writer = new KubernetesClientBuilder().withConfig(read(settings.kubeconfig()).build()).build();
    Config config = read(settings.followed()).withWatchList(settings.watchList()).withOnlyHttpWatches(onlyHttp)
        .withRequestRetryBackoffLimit(0).build();
    followed = new KubernetesClientBuilder().withConfig(config).withHttpClientBuilderConsumer(b -> b.addOrReplaceInterceptor("requests", new Interceptor() {
      @Override
      public void before(BasicBuilder builder, HttpRequest request, RequestTags tags) {
        requests.add(request.uri().getQuery());
      }
    })).build();
  }

  // The kind of key is not looked for in its file.
  private static ConfigBuilder read(String kubeconfig) {
    return new ConfigBuilder(Config.fromKubeconfig(new File(kubeconfig))).withClientKeyAlgo("EC");
  }

  // 8.0.0 asks for all again whenever such a watch begins anew, and takes what comes for changes alone: upstream's server fares no better.
  @Override
  public boolean findsWhatHasGone() {
    return !settings.watchList();
  }

  @Override
  public Requests requests() {
    return requests;
  }

  private static NonNamespaceOperation<ConfigMap, ConfigMapList, Resource<ConfigMap>> configMaps(KubernetesClient client, String namespace) {
    return client.configMaps().inNamespace(namespace);
  }

  private static NonNamespaceOperation<Kite, KubernetesResourceList<Kite>, Resource<Kite>> kites(KubernetesClient client, String namespace) {
    return client.resources(Kite.class).inNamespace(namespace);
  }

  @Override
  public void create(int i, Map<String, String> labels) {
    ObjectMeta metadata = new ObjectMetaBuilder().withName(Cluster.name(i)).withLabels(labels).build();
    configMaps(writer, settings.namespace()).resource(new ConfigMapBuilder().withMetadata(metadata).addToData("i", Integer.toString(i)).build()).create();
    Kite kite = new Kite();
    kite.setMetadata(metadata);
    kite.setSpec(new KiteSpec());
    kite.getSpec().colour = "red";
    kites(writer, settings.namespace()).resource(kite).create();
  }

  @Override
  public void patch(int i, String mergePatch) {
    configMaps(writer, settings.namespace()).withName(Cluster.name(i)).patch(MERGE, mergePatch);
    kites(writer, settings.namespace()).withName(Cluster.name(i)).patch(MERGE, mergePatch);
  }

  @Override
  public void remove(int i) {
    configMaps(writer, settings.namespace()).withName(Cluster.name(i)).delete();
    kites(writer, settings.namespace()).withName(Cluster.name(i)).delete();
  }

  @Override
  public Map<String, String> list(Follower follower) {
    if (!follower.isCustom()) return describe(select(configMaps(writer, settings.namespace()), follower).list().getItems());
    return describe(select(kites(writer, settings.namespace()), follower).list().getItems());
  }

  private static <T, L, R extends Resource<T>> FilterWatchListDeletable<T, L, R> select(NonNamespaceOperation<T, L, R> operation, Follower follower) {
    return follower.picked() ? operation.withLabelSelector(SELECTOR) : operation;
  }

  private static <T extends HasMetadata> Map<String, String> describe(Collection<T> objects) {
    Function<T, String> text = o -> Serialization.asJson(o.getMetadata()) + (o instanceof Kite k ? k.getSpec().colour : ((ConfigMap) o).getData());
    return objects.stream().collect(Collectors.toMap(o -> o.getMetadata().getName(), text));
  }

  @Override
  public List<Follower> follow() {
    List<Follower> out = new ArrayList<>();
    for (boolean picked : new boolean[] {false, true}) {
      String prefix = picked ? "picked " : "all ";
      Follower maps = new Follower(prefix + "config maps", picked);
      Follower kites = new Follower(prefix + "kites", picked);
      out.add(follow(maps, select(configMaps(followed, settings.namespace()), maps)));
      out.add(follow(kites, select(kites(followed, settings.namespace()), kites)));
    }
    return out;
  }

  private static <T extends HasMetadata, L, R extends Resource<T>> Follower follow(Follower follower, FilterWatchListDeletable<T, L, R> selected) {
    SharedIndexInformer<T> informer = selected.runnableInformer(0);
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
    informer.exceptionHandler((isStarted, e) -> true);     // goes on, whatever happens
    follower.attach(informer::hasSynced, () -> describe(informer.getStore().list()));
    informer.start();
    return follower;
  }
}
