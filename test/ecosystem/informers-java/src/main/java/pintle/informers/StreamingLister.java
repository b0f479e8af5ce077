package pintle.informers;

import com.google.gson.reflect.TypeToken;
import io.kubernetes.client.common.KubernetesListObject;
import io.kubernetes.client.common.KubernetesObject;
import io.kubernetes.client.informer.ListerWatcher;
import io.kubernetes.client.openapi.ApiClient;
import io.kubernetes.client.openapi.ApiException;
import io.kubernetes.client.openapi.models.V1ListMeta;
import io.kubernetes.client.util.CallGenerator;
import io.kubernetes.client.util.CallGeneratorParams;
import io.kubernetes.client.util.Watch;
import io.kubernetes.client.util.Watchable;
import java.lang.reflect.Type;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;
import okhttp3.Call;
import okhttp3.HttpUrl;

/**
 * Brings the official client's informers what is there by a watch, which they cannot ask for themselves: its events up to the bookmark
 * are the list, and the same watch goes on with what changes. Used by one informer's thread.
 */
final class StreamingLister<T extends KubernetesObject, L extends KubernetesListObject> implements ListerWatcher<T, L> {
  private static final int TIMEOUT_S = 300;

  private final ApiClient client;
  private final CallGenerator calls;
  private final Type events;
  private final BiFunction<List<T>, V1ListMeta, L> toList;
  private Watch<T> begun;

  StreamingLister(ApiClient client, CallGenerator calls, Class<T> type, BiFunction<List<T>, V1ListMeta, L> toList) {
    this.client = client;
    this.calls = calls;
    this.events = TypeToken.getParameterized(Watch.Response.class, type).getType();
    this.toList = toList;
  }

  @Override
  public L list(CallGeneratorParams unused) throws ApiException {
    Call plain = calls.generate(new CallGeneratorParams(true, null, TIMEOUT_S));
    HttpUrl url = plain.request().url().newBuilder().addQueryParameter("sendInitialEvents", "true").addQueryParameter("resourceVersionMatch", "NotOlderThan").build();
    Watch<T> watch = Watch.createWatch(client, client.getHttpClient().newCall(plain.request().newBuilder().url(url).build()), events);
    List<T> items = new ArrayList<>();
    while (watch.hasNext()) {
      Watch.Response<T> event = watch.next();
      if (event.type.equals("BOOKMARK")) {
        Map<String, String> annotations = event.object.getMetadata().getAnnotations();
        Main.must(Map.of("k8s.io/initial-events-end", "true").equals(annotations), "the first bookmark has " + annotations);
        begun = watch;
        return toList.apply(items, new V1ListMeta().resourceVersion(event.object.getMetadata().getResourceVersion()));
      }
      Main.must(event.type.equals("ADDED"), "before the bookmark: " + event.type + " " + event.status);
      items.add(event.object);
    }
    throw new ApiException("the watch ended before its bookmark, after " + items.size());
  }

  @Override
  public Watchable<T> watch(CallGeneratorParams params) throws ApiException {
    Watch<T> watch = begun;
    begun = null;
    return watch != null ? watch : Watch.createWatch(client, client.getHttpClient().newCall(calls.generate(params).request()), events);
  }
}
