package game;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;

/** A server around Verifier.java of docs/from-the-sample.md; prints its port. */
class Driver {
    private static final Verifier VERIFIER = new Verifier(
        URI.create(System.getenv("COINSLOT_VERIFIER_URL")), System.getenv("COINSLOT_VERIFIER_TOKEN"),
        Json::parseObject, members -> Json.write(members).getBytes(StandardCharsets.UTF_8));

    public static void main(String[] arguments) throws IOException {
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/login", Driver::login);
        server.createContext("/jogos/notify", Driver::notified);
        server.start();
        System.out.println(server.getAddress().getPort());
    }

    private static void login(HttpExchange exchange) throws IOException {
        exchange.getRequestBody().readAllBytes();
        String bearer = exchange.getRequestHeaders().getFirst("Authorization");
        try {
            Map<String, Object> player = VERIFIER.logIn(bearer == null ? null : bearer.replace("Bearer ", ""));
            send(exchange, 200, Map.of("user", player.get("user_id"), "name", player.get("username")));
        } catch (Verifier.Refused error) {
            send(exchange, 401, Map.of("code", error.getMessage()));
        } catch (Verifier.TryAgain error) {
            send(exchange, 503, Map.of("code", error.getMessage()));
        }
    }

    private static void send(HttpExchange exchange, int status, Map<String, Object> members) throws IOException {
        byte[] body = Json.write(members).getBytes(StandardCharsets.UTF_8);
        exchange.sendResponseHeaders(status, body.length);
        exchange.getResponseBody().write(body);
        exchange.close();
    }

    @SuppressWarnings("unchecked")
    private static void notified(HttpExchange exchange) throws IOException {
        List<List<String>> headers = new ArrayList<>();
        exchange.getRequestHeaders().forEach((name, values) -> values.forEach(value -> headers.add(List.of(name, value))));
        Map<String, Object> reply = VERIFIER.notified(headers, exchange.getRequestBody().readAllBytes());
        for (List<String> header : (List<List<String>>) reply.get("headers")) {
            exchange.getResponseHeaders().add(header.get(0), header.get(1));
        }
        byte[] body = Base64.getDecoder().decode((String) reply.get("body_b64"));
        exchange.sendResponseHeaders(((Number) reply.get("status")).intValue(), body.length == 0 ? -1 : body.length);
        exchange.getResponseBody().write(body);
        exchange.close();
    }
}
