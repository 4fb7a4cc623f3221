// HYBRID=1: also a TCP microservice, which each worker listens for at the same loopback port.
import "reflect-metadata";
import { Controller, Get, Module } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import { MessagePattern, Transport } from "@nestjs/microservices";
import { IoAdapter } from "@nestjs/platform-socket.io";
import { MessageBody, SubscribeMessage, WebSocketGateway, WebSocketServer } from "@nestjs/websockets";
import { createAdapter } from "@socket.io/cluster-adapter";

class ClusterIoAdapter extends IoAdapter {
	createIOServer(port: number, options?: any): any {
		const io = super.createIOServer(port, options);
		if (process.send) io.adapter(createAdapter());
		return io;
	}
}

@WebSocketGateway()
class Gateway {
	@WebSocketServer() io: any;

	@SubscribeMessage("pid")
	pid() {
		return process.pid;
	}

	@SubscribeMessage("all")
	all(@MessageBody() text: string) {
		this.io.emit("all", text);
	}
}

@Controller()
class Pid {
	@Get("pid")
	pid() {
		return process.pid;
	}

	@MessagePattern("pid")
	remotePid() {
		return process.pid;
	}
}

@Module({ controllers: [Pid], providers: [Gateway] })
class AppModule {}

const app = await NestFactory.create(AppModule, { logger: ["error", "warn"] });
app.useWebSocketAdapter(new ClusterIoAdapter(app));
app.enableShutdownHooks();
if (process.env.HYBRID) {
	app.connectMicroservice({ transport: Transport.TCP, options: { host: "127.0.0.1", port: Number(process.env.HYBRID) } });
	await app.startAllMicroservices();
}
await app.listen(Number(process.env.PORT));
