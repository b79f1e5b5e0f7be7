package game;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodySubscriber;
import java.net.http.HttpResponse.BodySubscribers;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Flow.Subscription;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * The one door through which this backend calls others.
 *
 * A portal that hangs, trickles, sends a gigabyte or redirects to a stranger must cost a few seconds, no more: one
 * deadline over the whole exchange (the client's own ends with the headers), a bounded body, and no redirect is ever
 * followed.
 */
final class HttpOut {
    private static final Duration TIMEOUT = Duration.ofSeconds(5);
    private static final int BODY_BYTES_MAX = 4 * 1024 * 1024;

    private final HttpClient client = HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .followRedirects(HttpClient.Redirect.NEVER)
            .connectTimeout(TIMEOUT)
            .build();

    record Answer(int status, byte[] body) {}

    Answer get(String url, String code) {
        return exchange(HttpRequest.newBuilder(URI.create(url)).build(), code);
    }

    /** Sends exactly these bytes. */
    Answer post(String url, byte[] body, String authorization, String code) {
        return exchange(
                HttpRequest.newBuilder(URI.create(url))
                        .header("Content-Type", "application/json")
                        .header("Authorization", authorization)
                        .POST(BodyPublishers.ofByteArray(body))
                        .build(),
                code);
    }

    /** One whole answer, or Undecided with this code. */
    private Answer exchange(HttpRequest request, String code) {
        var pending = client.sendAsync(request, head -> new Bounded());
        try {
            HttpResponse<byte[]> response = pending.get(TIMEOUT.toMillis(), TimeUnit.MILLISECONDS);
            return new Answer(response.statusCode(), response.body());
        } catch (TimeoutException error) {
            pending.cancel(true);
            throw new Undecided(code, "no whole answer within " + TIMEOUT.toSeconds() + " s");
        } catch (ExecutionException error) {
            throw new Undecided(code, "no answer: " + error.getCause());
        } catch (InterruptedException error) {
            Thread.currentThread().interrupt();
            throw new Undecided(code, "interrupted");
        }
    }

    /** A body of at most BODY_BYTES_MAX bytes. */
    private static final class Bounded implements BodySubscriber<byte[]> {
        private final BodySubscriber<byte[]> bytes = BodySubscribers.ofByteArray();
        private Subscription subscription;
        private long size;

        @Override
        public CompletionStage<byte[]> getBody() {
            return bytes.getBody();
        }

        @Override
        public void onSubscribe(Subscription subscription) {
            this.subscription = subscription;
            bytes.onSubscribe(subscription);
        }

        @Override
        public void onNext(List<ByteBuffer> buffers) {
            for (ByteBuffer buffer : buffers) {
                size += buffer.remaining();
            }
            if (size > BODY_BYTES_MAX) {
                subscription.cancel();
                bytes.onError(new IOException("more than " + BODY_BYTES_MAX + " bytes"));
            } else {
                bytes.onNext(buffers);
            }
        }

        @Override
        public void onError(Throwable error) {
            bytes.onError(error);
        }

        @Override
        public void onComplete() {
            bytes.onComplete();
        }
    }
}
