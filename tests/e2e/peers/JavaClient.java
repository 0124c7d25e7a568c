// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Client of the JDK's own java.net.http, driven by commands. Argument: URL. */
public final class JavaClient {
    private static final List<Peer> PEERS = new ArrayList<>();
    private static final AtomicLong TEXTS = new AtomicLong();
    private static final AtomicLong BINARIES = new AtomicLong();
    private static final AtomicLong BYTES = new AtomicLong();

    /** One connection, which waits for each message's echo. */
    private static final class Peer implements WebSocket.Listener {
        private final Semaphore answers = new Semaphore(0);
        private final CompletableFuture<Void> closed = new CompletableFuture<>();
        private WebSocket socket;

        @Override
        public CompletionStage<?> onText(WebSocket from, CharSequence data, boolean last) {
            from.request(1);
            if (last) {
                answers.release();
            }
            return null;
        }

        @Override
        public CompletionStage<?> onBinary(WebSocket from, ByteBuffer data, boolean last) {
            from.request(1);
            if (last) {
                answers.release();
            }
            return null;
        }

        @Override
        public CompletionStage<?> onPong(WebSocket from, ByteBuffer message) {
            from.request(1);
            answers.release();
            return null;
        }

        @Override
        public CompletionStage<?> onClose(WebSocket from, int code, String reason) {
            closed.complete(null);
            return null;
        }

        @Override
        public void onError(WebSocket from, Throwable error) {
            closed.complete(null);
        }

        void text(int size) throws InterruptedException {
            socket.sendText("x".repeat(size), true).join();
            TEXTS.incrementAndGet();
            BYTES.addAndGet(size);
            answers.acquire();
        }

        void binary(int size) throws InterruptedException {
            socket.sendBinary(ByteBuffer.allocate(size), true).join();
            BINARIES.incrementAndGet();
            BYTES.addAndGet(size);
            answers.acquire();
        }

        void ping(int number) throws InterruptedException {
            socket.sendPing(ByteBuffer.wrap(new byte[] {(byte) number})).join();
            answers.acquire();
        }
    }

    private JavaClient() {}

    private static List<Integer> numbers(String command, String key) {
        List<Integer> found = new ArrayList<>();
        Matcher list = Pattern.compile('"' + key + "\": \\[?([0-9, ]*)").matcher(command);
        if (list.find() && !list.group(1).isEmpty()) {
            for (String number : list.group(1).split("[, ]+")) {
                found.add(Integer.parseInt(number));
            }
        }
        return found;
    }

    private static int number(String command, String key, int otherwise) {
        List<Integer> found = numbers(command, key);
        return found.isEmpty() ? otherwise : found.get(0);
    }

    private static void run(HttpClient http, URI url, String command) throws InterruptedException {
        int n = number(command, "n", 1);
        if (command.contains("\"open\"")) {
            for (int i = 0; i < n; i++) {
                Peer peer = new Peer();
                peer.socket = http.newWebSocketBuilder().buildAsync(url, peer).join();
                PEERS.add(peer);
            }
        } else if (command.contains("\"echo\"")) {
            for (Peer peer : PEERS) {
                for (int round = 0; round < number(command, "rounds", 1); round++) {
                    for (int size : numbers(command, "texts")) {
                        peer.text(size);
                    }
                    for (int size : numbers(command, "binaries")) {
                        peer.binary(size);
                    }
                }
            }
        } else if (command.contains("\"ping\"")) {
            for (Peer peer : PEERS) {
                for (int i = 0; i < n; i++) {
                    peer.ping(i);
                }
            }
        } else if (command.contains("\"close\"")) {
            for (Peer peer : PEERS) {
                peer.socket.sendClose(number(command, "code", WebSocket.NORMAL_CLOSURE), "").join();
                peer.closed.join();
            }
            PEERS.clear();
        }
    }

    public static void main(String[] arguments) throws Exception {
        HttpClient http = HttpClient.newHttpClient();
        URI url = URI.create(arguments[0]);
        BufferedReader commands = new BufferedReader(new InputStreamReader(System.in));
        for (String command = commands.readLine(); command != null; command = commands.readLine()) {
            if (command.contains("\"counts\"")) {
                System.out.printf("{\"sent.text\": %1$d, \"received.text\": %1$d, \"sent.binary\": %2$d, "
                    + "\"received.binary\": %2$d, \"bytes.sent\": %3$d, \"bytes.received\": %3$d}%n",
                    TEXTS.get(), BINARIES.get(), BYTES.get());
            } else {
                run(http, url, command);
                System.out.println("{}");
            }
        }
        System.exit(0);
    }
}
