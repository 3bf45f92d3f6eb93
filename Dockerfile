# syntax=docker/dockerfile:1

FROM node:24-slim AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
# No dependency needs a script of its own to be built.
RUN npm ci --ignore-scripts
COPY tsconfig.json ./
COPY config ./config
COPY src ./src
RUN npm run build && npm prune --omit=dev

FROM node:24-slim
ENV NODE_ENV=production \
    SERIN_HEALTH_URL=http://127.0.0.1:8080/-/ready
WORKDIR /opt/serin
COPY --from=build /build/package.json ./
COPY --from=build /build/node_modules ./node_modules
COPY --from=build /build/dist ./dist
COPY config ./config
COPY LICENSE README.md CHANGELOG.md ./

# The state: `store: lmdb:/var/lib/serin` in the configuration (a relative path starts at its file).
RUN mkdir -p /var/lib/serin /etc/serin && chown node:node /var/lib/serin
WORKDIR /var/lib/serin
USER node
VOLUME /var/lib/serin

# 8080: requests. 9090: the admin API, which binds to loopback unless the configuration names tokens.
EXPOSE 8080 9090

HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 \
    CMD ["node", "-e", "fetch(process.env.SERIN_HEALTH_URL).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]

# Node itself is process 1, so that SIGTERM reaches the drain.
STOPSIGNAL SIGTERM
ENTRYPOINT ["node", "/opt/serin/dist/main.js"]
CMD ["serve", "-c", "/etc/serin/serin.yaml"]
