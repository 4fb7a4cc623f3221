// Socket.IO by hand over polling alone, with the JDK's own HTTP server: a server in Java at a port of its own.
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

public class Server {
	static final long PID = ProcessHandle.current().pid();
	static final int PING_MS = 5000;
	static final Pattern ASK = Pattern.compile("42(\\d+)\\[\"pid\"\\]");
	static final Map<String, BlockingQueue<String>> sessions = new ConcurrentHashMap<>();

	static void answer(HttpExchange exchange, int status, String text) throws IOException {
		byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
		exchange.getResponseHeaders().set("Content-Type", "text/plain; charset=UTF-8");
		exchange.sendResponseHeaders(status, bytes.length);
		exchange.getResponseBody().write(bytes);
		exchange.close();
	}

	static String open() {
		String sid = UUID.randomUUID().toString();
		sessions.put(sid, new LinkedBlockingQueue<>());
		return "0{\"sid\":\"" + sid + "\",\"upgrades\":[],\"pingInterval\":" + PING_MS + ",\"pingTimeout\":20000,\"maxPayload\":1000000}";
	}

	static void receive(String sid, BlockingQueue<String> out, String packet) {
		Matcher ask = ASK.matcher(packet);
		if (packet.equals("40"))
			out.add("40{\"sid\":\"" + sid + "\"}");
		else if (ask.matches())
			out.add("43" + ask.group(1) + "[" + PID + "]");
		else if (packet.startsWith("42[\"all\","))
			sessions.values().forEach((each) -> each.add(packet));
		else if (packet.equals("41") || packet.equals("1"))
			sessions.remove(sid);
	}

	static void engine(HttpExchange exchange) throws IOException {
		Matcher query = Pattern.compile("(?:^|&)sid=([^&]+)").matcher(exchange.getRequestURI().getQuery());
		String sid = query.find() ? query.group(1) : null;
		BlockingQueue<String> out = sid == null ? null : sessions.get(sid);
		if (sid == null) {
			answer(exchange, 200, open());
		} else if (out == null) {
			answer(exchange, 400, "{\"code\":1,\"message\":\"Session ID unknown\"}");
		} else if (exchange.getRequestMethod().equals("POST")) {
			for (String packet : new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8).split("\u001e"))
				receive(sid, out, packet);
			answer(exchange, 200, "ok");
		} else {
			String packet = null;
			try {
				packet = out.poll(PING_MS, TimeUnit.MILLISECONDS);
			} catch (InterruptedException e) {
				Thread.currentThread().interrupt();
			}
			answer(exchange, 200, packet == null ? "2" : packet);
		}
	}

	public static void main(String[] args) throws IOException {
		HttpServer server = HttpServer.create(new InetSocketAddress(Integer.parseInt(System.getenv("PORT"))), 128);
		server.setExecutor(Executors.newCachedThreadPool());
		server.createContext("/socket.io/", Server::engine);
		server.createContext("/pid", (exchange) -> answer(exchange, 200, Long.toString(PID)));
		server.start();
	}
}
